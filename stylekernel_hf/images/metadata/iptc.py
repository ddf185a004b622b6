"""IPTC data in their binary form (IIM): records of numbered fields, in JPEG and TIFF."""

from __future__ import annotations

import struct
from collections import defaultdict

MAX_BYTES = 65_000
"""Room for IPTC data in the Photoshop segment of a JPEG file."""

_UTF8 = (1, 90), b"\x1b%G"
# Fields that tell where the photo was taken.
_LOCATION = {(2, number) for number in (26, 27, 90, 92, 95, 100, 101)}
_RESOURCE = b"8BIM" + struct.pack(">H", 0x0404) + b"\0\0"


def clean(data: bytes, *, location: bool) -> bytes:
    """Return the fields to keep; raise ValueError for damaged data or more than `MAX_BYTES`."""
    kept = b"".join(
        struct.pack(">BBBH", 0x1C, *key, len(value)) + value
        for key, value in _fields(data)
        if location or key not in _LOCATION
    )
    if len(kept) > MAX_BYTES:
        raise ValueError(f"they must have at most {MAX_BYTES} bytes, got {len(kept)}")
    return kept


def texts(data: bytes) -> dict[int, list[str]]:
    """Return the texts of the application record (2) by field number."""
    fields = _fields(data)
    encoding = "utf-8" if _UTF8 in fields else None
    result: dict[int, list[str]] = defaultdict(list)
    for (record, number), value in fields:
        if record == 2 and number != 0:
            result[number].append(_decoded(value, encoding))
    return dict(result)


def in_photoshop(data: bytes) -> bytes:
    """Return IPTC data as a Photoshop segment of a JPEG file."""
    resource = _RESOURCE + struct.pack(">I", len(data)) + data + bytes(len(data) % 2)
    return b"Photoshop 3.0\0" + resource


def from_photoshop(data: bytes) -> bytes:
    """Return the IPTC data among Photoshop's resources, which are stored in sequence."""
    place = 0
    while data[place : place + 4] == b"8BIM" and place + 12 <= len(data):
        number = data[place + 4 : place + 6]
        name = data[place + 6] + 1
        at = place + 6 + name + name % 2
        (size,) = struct.unpack(">I", data[at : at + 4].rjust(4, b"\0"))
        if number == b"\x04\x04":
            return data[at + 4 : at + 4 + size]
        place = at + 4 + size + size % 2
    return b""


def _fields(data: bytes) -> list[tuple[tuple[int, int], bytes]]:
    fields: list[tuple[tuple[int, int], bytes]] = []
    place = 0
    while place < len(data) and data[place] == 0x1C:
        if place + 5 > len(data):
            raise ValueError("they end in the middle of a field")
        record, number, size = struct.unpack_from(">BBH", data, place + 1)
        value = data[place + 5 : place + 5 + size]
        # Lengths from 2^15 on have an extended form, which is hardly used.
        if size >= 2**15 or len(value) != size:
            raise ValueError(f"field {record}:{number} is damaged or too long")
        fields.append(((record, number), value))
        place += 5 + size
    if not fields and data.strip(b"\0"):
        raise ValueError("they must begin with a field")
    return fields


def _decoded(value: bytes, encoding: str | None) -> str:
    if encoding:
        return value.decode(encoding, "replace")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
