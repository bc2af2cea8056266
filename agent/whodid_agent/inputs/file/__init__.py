"""The file input: audit files, tailed through rotation, copies, truncation and restarts (`source.FileSource`)."""

from whodid_agent.inputs.file.source import MAX_LINE, FileSource

__all__ = ["MAX_LINE", "FileSource"]
