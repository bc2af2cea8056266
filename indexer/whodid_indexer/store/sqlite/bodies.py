"""Records' JSON, compressed with a dictionary that is trained on the store's own records.

    body = one byte: number of the dictionary (0: none), then a zstd frame that carries the length of its contents

A dictionary is trained once, when there are enough records to learn from; it takes a record from a half to a sixth.
"""

from collections.abc import Sequence

import apsw
import zstandard

_LEVEL = 1
"""Level 3 takes 5 % off a body and a fifth more time."""

_DICTIONARY_BYTES = 32_768
_SEGMENT = 1_024
_MATCH = 8
"""How the dictionary is picked from the samples; to let zstd try what is best takes four times as long for no gain."""

SAMPLES = 1_000
"""So many records make a dictionary; a store with fewer does without."""

_SAMPLE_BYTES = 16_384
"""Longer records teach the dictionary nothing that shorter ones do not."""

_PARAMETERS = zstandard.ZstdCompressionParameters.from_level(
    _LEVEL, write_dict_id=False, write_checksum=True, write_content_size=True
)


class Unpacker:
    """Turns bodies back into JSON; reads dictionaries from the file as they are met."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._by_number = {0: zstandard.ZstdDecompressor()}

    def unpack(self, body: bytes) -> bytes:
        """The JSON of a stored body."""
        decompressor = self._by_number.get(body[0]) or self._load(body[0])
        return decompressor.decompress(memoryview(body)[1:])

    def _load(self, number: int) -> zstandard.ZstdDecompressor:
        dictionary = _read(self._connection, number)
        self._by_number[number] = zstandard.ZstdDecompressor(dict_data=dictionary)
        return self._by_number[number]


class Packer:
    """Turns JSON into bodies with the newest dictionary, and trains the first."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.reload()

    def reload(self) -> None:
        """Take the newest dictionary there is; a rollback may have taken one away."""
        newest: int = self._connection.execute("SELECT coalesce(max(id), 0) FROM zdict").get
        self.number = newest
        self._prefix = bytes((newest,))
        dictionary = _read(self._connection, newest) if newest else None
        # one dictionary object per compressor: zstandard crashes where two prepare the same one
        compressor = zstandard.ZstdCompressor(dict_data=dictionary, compression_params=_PARAMETERS)
        self._compress = compressor.compress

    def pack(self, records: Sequence[bytes]) -> list[bytes]:
        """The bodies to store for records' JSON, in order."""
        prefix, compress = self._prefix, self._compress
        return [prefix + compress(record) for record in records]

    def train(self, new: Sequence[bytes]) -> None:
        """Make the first dictionary from new records and the newest stored ones, within the caller's transaction."""
        samples = list(new[:SAMPLES])
        stored = self._connection.execute("SELECT body FROM event ORDER BY seq DESC LIMIT ?", (SAMPLES - len(samples),))
        unpack = Unpacker(self._connection).unpack
        samples += [unpack(body) for (body,) in stored]
        try:
            beginnings: list[bytes | bytearray | memoryview] = [sample[:_SAMPLE_BYTES] for sample in samples]
            dictionary = zstandard.train_dictionary(_DICTIONARY_BYTES, beginnings, k=_SEGMENT, d=_MATCH)
        except zstandard.ZstdError:
            return  # records too alike or too short to learn from: they are stored without, which is as right
        self._connection.execute("INSERT INTO zdict(id, bytes) VALUES (1, ?)", (dictionary.as_bytes(),))
        self.reload()


def _read(connection: apsw.Connection, number: int) -> zstandard.ZstdCompressionDict:
    stored: bytes = connection.execute("SELECT bytes FROM zdict WHERE id = ?", (number,)).get
    return zstandard.ZstdCompressionDict(stored)
