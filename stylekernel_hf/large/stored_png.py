"""Raw rows as a PNG stream, the way to hand libvips pixels piece by piece.

libvips's own `rawload` maps the whole file into memory: a file that is cut short meanwhile ends the
process with a bus error, and neither Ctrl-C nor a read error stops the encoder. `ppmload`, which
reads streams, is missing in the builds on PyPI.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

_PIECE = 2**20


class StoredPng:
    """An uncompressed PNG stream of a file of RGB rows, encoded while it is read.

    libvips takes an exception of its callback for the end of the stream. So `read` raises nothing:
    it ends the stream and stores the exception in `error`, which the caller must raise.
    """

    def __init__(self, raw: BinaryIO, width: int, height: int) -> None:
        self.error: BaseException | None = None
        self.ended = False
        """Whether all rows were read."""
        self._pieces = self._make(raw, width, height)
        self._rest = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes; none at the end or after an error."""
        try:
            if self.error is not None:
                return b""
            if not self._rest:
                self._rest = memoryview(next(self._pieces, b""))
            part, self._rest = self._rest[:size], self._rest[size:]
            return bytes(part)
        except BaseException as error:  # Interruptions too.
            self.error = self.error or error
            return b""

    def stop(self, error: BaseException) -> None:
        """End the stream because of an error elsewhere."""
        self.error = self.error or error

    def _make(self, raw: BinaryIO, width: int, height: int) -> Iterator[bytes]:
        yield b"\x89PNG\r\n\x1a\n" + _chunk(
            b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        )
        stored = zlib.compressobj(level=0)
        rows_at_once = max(1, _PIECE // (3 * width))
        for start in range(0, height, rows_at_once):
            rows = min(rows_at_once, height - start)
            # Every row begins with its filter; 0 is none.
            filtered = b"".join(b"\0" + _row(raw, 3 * width) for _ in range(rows))
            self.ended = start + rows == height
            # Uncompressed, so that a chunk is about as large as its piece of rows.
            yield _chunk(b"IDAT", stored.compress(filtered))
        yield _chunk(b"IDAT", stored.flush()) + _chunk(b"IEND", b"")


def _row(raw: BinaryIO, size: int) -> bytes:
    row = raw.read(size)
    if len(row) != size:
        raise OSError(f"raw must give rows of {size} bytes, got {len(row)}")
    return row


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
