"""A real OpenSearch node for tests and for playing with: a URL given, a container, or Maven's artefacts and a JDK."""
