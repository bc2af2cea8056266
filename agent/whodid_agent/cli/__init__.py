"""The command whodid-agent."""
