"""The audit of the audit: who searched, viewed, exported and administered the store is an event in it, too."""
