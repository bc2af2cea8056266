"""Profiles at work, fast: functions made for the events that are met, each held to what `interpret` says."""
