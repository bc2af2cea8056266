"""The mark of a record that was put back: `whodid.restored=FILE` among its `meta`, where every query finds it.

`meta.whodid.restored:*` asks for all of them. All else of the record is as it was archived, byte for byte; a record
that is archived and put back once more has the mark of the last time only. An application's own metadata stays apart:
it is in `metadata`, and a mark that it had made up would be of no record that stands in an archive.
"""

import msgspec

PATH = "whodid.restored"

_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_strings = msgspec.json.Decoder(list[str] | None).decode
_encode = msgspec.json.encode


def marked(body: bytes, archive: str) -> bytes:
    """The record with the mark of the archive file of this name. Raises msgspec.DecodeError where it is no record."""
    return _with(body, f"{PATH}={archive}")


def unmarked(body: bytes) -> bytes:
    """The record without any mark. Raises as `marked`."""
    return _with(body, None)


def _with(body: bytes, mark: str | None) -> bytes:
    members = _members(body)
    there = _strings(members["meta"]) or [] if "meta" in members else []
    meta = [entry for entry in there if not entry.startswith(f"{PATH}=")]
    if meta == there and mark is None:
        return body
    meta += [mark] if mark is not None else []
    if meta:
        return _encode({**members, "meta": meta})
    return _encode({name: value for name, value in members.items() if name != "meta"})
