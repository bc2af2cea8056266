"""Redaction: secrets never leave the application's own file (`Redactor`)."""

from whodid_agent.normalise.redact.redactor import Redactor

__all__ = ["Redactor"]
