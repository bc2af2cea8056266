"""Events that no profile knows: read by the names and the values that audit logs usually have."""
