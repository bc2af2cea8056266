"""The command whodid."""
