"""The audit record and everything agent, store and viewer must agree on."""

__version__ = "0.1.0"

SCHEMA_VERSION = 1
"""Version of the record's shape; a store's template carries it, an agent newer than the store waits."""
