"""Profiles: one YAML file per format."""
