"""The store as the agent sees it: one protocol, _bulk."""
