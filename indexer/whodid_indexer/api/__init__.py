"""The whodid server's HTTP side."""
