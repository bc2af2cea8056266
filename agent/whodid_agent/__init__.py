"""The agent: tails and receives audit events, normalises them, delivers each exactly once."""
