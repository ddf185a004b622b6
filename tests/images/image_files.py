"""Image files and colour profiles written byte by byte, without the library under test."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

# Columns are the XYZ of red, green and blue, adapted to D50 as ICC profiles demand.
SRGB_TO_XYZ = np.array(
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]]
)
P3_TO_XYZ = np.array(
    [[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]]
)
D50 = np.array([0.9642, 1.0, 0.8249])

# The EXIF standard, tag 0x0112: the upright picture from the stored one.
UPRIGHT_BY_ORIENTATION: dict[int, Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]]] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: stored[::-1].swapaxes(0, 1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: stored[:, ::-1].swapaxes(0, 1),
}


def png_bytes(
    width: int,
    height: int,
    *,
    bits: int,
    color_type: int,
    rows: list[bytes],
    chunks: tuple[tuple[bytes, bytes], ...] = (),
) -> bytes:
    """A PNG of packed rows, with `chunks` (PLTE, tRNS, iCCP, eXIf, ...) ahead of the pixels."""
    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    body = [(b"IHDR", header), *chunks, (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(kind, data) for kind, data in body)


def orientation_exif(orientation: int) -> bytes:
    """A big-endian EXIF block with one tag, without the "Exif" marker of JPEG."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)


def matrix_profile(to_xyz: npt.NDArray[np.float64], gamma: float) -> bytes:
    """An RGB display profile: primaries and one gamma for all three channels."""
    tags = {b"wtpt": _xyz(D50)}
    for channel, name in enumerate((b"r", b"g", b"b")):
        tags[name + b"XYZ"] = _xyz(to_xyz[:, channel])
        tags[name + b"TRC"] = _gamma(gamma)
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def grey_profile(gamma: float) -> bytes:
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"wtpt": _xyz(D50), b"kTRC": _gamma(gamma)})


def cmyk_profile(lab_of_inks: Callable[[tuple[int, ...]], npt.NDArray[np.float64]]) -> bytes:
    """A printer profile: the Lab colour of each of the 16 full-ink combinations, linear between."""
    corners = [tuple(index >> shift & 1 for shift in (3, 2, 1, 0)) for index in range(16)]
    encoded: list[int] = []
    for lightness, a, b in map(lab_of_inks, corners):
        encoded += [round(lightness * 652.8), round((a + 128) * 256), round((b + 128) * 256)]
    identity = struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).flatten())
    ramp = struct.pack(">HH", 0, 65535)
    lut = b"mft2\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + struct.pack(">HH", 2, 2)
    lut += ramp * 4 + struct.pack(">48H", *encoded) + ramp * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"wtpt": _xyz(D50), b"A2B0": lut})


def srgb_encode(linear: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """IEC 61966-2-1: linear light in [0, 1] to sRGB in [0, 1]; what lies outside is clipped."""
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def srgb_to_lab(srgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """CIE Lab relative to D50 of an sRGB colour in [0, 1]."""
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    ratio = SRGB_TO_XYZ @ linear / D50
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _profile(device_class: bytes, space: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
    """The header and tag table of ICC.1:2001 around the tags."""
    offset = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for signature, content in tags.items():
        content += b"\0" * (-len(content) % 4)
        table += struct.pack(">4sII", signature, offset + len(data), len(content))
        data += content
    header = struct.pack(
        ">I4sI4s4s4s", offset + len(data), b"", 0x02400000, device_class, space, pcs
    )
    header += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp"
    header = header.ljust(68, b"\0") + _s15(D50)
    return header.ljust(128, b"\0") + table + data


def _s15(values: npt.NDArray[np.float64]) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _xyz(values: npt.NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + _s15(values)


def _gamma(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def tiff_bytes(
    pages: list[dict[int, object]], data: bytes = b"", *, order: str = "<", magic: bytes = b""
) -> bytes:
    """A TIFF of chained directories before `data`, which begins where `DATA` stands in a value.

    A value is a whole number, a tuple of them, bytes, or a list of directories (SubIFDs).
    """
    head = {"<": b"II*\0", ">": b"MM\0*"}[order]
    first = 8 + len(magic)
    size = first + sum(_directory_size(page) for page in pages)
    body, at = b"", first
    for number, page in enumerate(pages):
        after = at + _directory_size(page)
        body += _directory(page, at, size, order, after if number + 1 < len(pages) else 0)
        at = after
    return head + struct.pack(f"{order}L", first) + magic + body + data


class Data(int):
    """A place in the data behind the directories."""


def _directory_size(page: dict[int, object]) -> int:
    return 2 + 12 * len(page) + 4 + sum(len(_outside(value, 0, 0, "<")) for value in page.values())


def _directory(page: dict[int, object], at: int, data: int, order: str, after: int) -> bytes:
    place = at + 2 + 12 * len(page) + 4
    table, outside = b"", b""
    for tag, value in sorted(page.items()):
        kind, count = (7, len(value)) if isinstance(value, bytes) else (4, _count(value))
        apart = _outside(value, place + len(outside), data, order)
        inside = struct.pack(f"{order}L", place + len(outside))
        if not apart:
            inside = (
                value.ljust(4, b"\0")
                if isinstance(value, bytes)
                else struct.pack(f"{order}L", _numbers(value, place, data)[0])
            )
        elif isinstance(value, list) and len(value) == 1:
            inside = struct.pack(f"{order}L", place + len(outside))
        table += struct.pack(f"{order}HHL", tag, kind, count) + inside
        outside += apart
    head = struct.pack(f"{order}H", len(page))
    return head + table + struct.pack(f"{order}L", after) + outside


def _count(value: object) -> int:
    return len(value) if isinstance(value, list | tuple) else 1


def _numbers(value: object, place: int, data: int) -> list[int]:
    if isinstance(value, list):  # Where the directories will stand, behind a list of their places.
        places, at = [], place + (4 * len(value) if len(value) > 1 else 0)
        for page in value:
            places.append(at)
            at += _directory_size(page)
        return places
    numbers = value if isinstance(value, tuple) else (value,)
    return [int(each) + data * isinstance(each, Data) for each in numbers]  # type: ignore[call-overload]


def _outside(value: object, place: int, data: int, order: str) -> bytes:
    """What of a value lies behind the table of its directory."""
    if isinstance(value, bytes):
        return value if len(value) > 4 else b""
    numbers = _numbers(value, place, data)
    apart = struct.pack(f"{order}{len(numbers)}L", *numbers) if len(numbers) > 1 else b""
    if isinstance(value, list):
        for page, at in zip(value, numbers, strict=True):
            apart += _directory(page, at, data, order, 0)
    return apart


def noise(height: int, width: int, channels: int = 3) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)


def encoded(image: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def pixels(image: Image.Image) -> npt.NDArray[np.int64]:
    return np.asarray(image).astype(np.int64)
