"""OpenSearch Dashboards' saved objects: their source, the file made of it, how it is imported and checked."""
