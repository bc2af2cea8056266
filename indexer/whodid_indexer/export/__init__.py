"""Records on their way out: CSV, NDJSON."""
