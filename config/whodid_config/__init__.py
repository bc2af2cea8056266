"""What is data, not code: profiles, templates, example configurations, and how settings are read."""
