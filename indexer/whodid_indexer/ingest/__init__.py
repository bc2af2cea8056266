"""The receiving end of _bulk."""
