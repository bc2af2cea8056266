"""The demonstration: a sample product, an agent, a server, and questions with their answers."""
