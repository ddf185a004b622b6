"""Metadata written byte by byte, without the library under test."""

from __future__ import annotations

import io
import struct
from pathlib import Path

from PIL import Image, PngImagePlugin, TiffImagePlugin

TAKEN = b"2023:05:06 07:08:09\0"
CAPTION = "Grüße aus Köln"
MAKER_NOTE = bytes(range(256)) * 3
RATIONALS = struct.Struct(">6I")


def field(tag: int, kind: int, count: int, data: bytes) -> tuple[int, int, int, bytes]:
    return tag, kind, count, data


def directory(fields: list[tuple[int, int, int, bytes]], start: int, then: int = 0) -> bytes:
    """A big-endian directory that stands at `start`, with the data of its fields behind it."""
    place = start + 2 + 12 * len(fields) + 4
    entries, rest = b"", b""
    for tag, kind, count, data in sorted(fields):
        if len(data) > 4:
            value = struct.pack(">I", place + len(rest))
            rest += data + bytes(len(data) % 2)
        else:
            value = data.ljust(4, b"\0")
        entries += struct.pack(">HHI", tag, kind, count) + value
    return struct.pack(">H", len(fields)) + entries + struct.pack(">I", then) + rest


def exif_block(*, orientation: int = 6, note: bytes = MAKER_NOTE) -> bytes:
    """What a camera writes: date, camera, caption, place, a note of its own and a thumbnail."""
    caption = CAPTION.encode() + b"\0"
    exif = [
        field(0x829A, 5, 1, struct.pack(">II", 1, 125)),
        field(0x9003, 2, len(TAKEN), TAKEN),
        field(0x9204, 10, 1, struct.pack(">ii", -1, 3)),
        field(0x927C, 7, len(note), note),
        field(0xA001, 3, 1, struct.pack(">H", 65535)),
        field(0xA002, 3, 1, struct.pack(">H", 4000)),
        field(0xA003, 3, 1, struct.pack(">H", 3000)),
        field(0xA434, 2, 7, b"Lens 1\0"),
    ]
    gps = [
        field(1, 2, 2, b"N\0"),
        field(2, 5, 3, RATIONALS.pack(52, 1, 30, 1, 0, 1)),
        field(3, 2, 2, b"E\0"),
        field(4, 5, 3, RATIONALS.pack(13, 1, 24, 1, 0, 1)),
    ]
    jpeg = io.BytesIO()
    Image.new("RGB", (16, 8), "red").save(jpeg, "JPEG")

    def first(exif_at: int, gps_at: int, thumbnail_at: int) -> bytes:
        return directory(
            [
                field(0x010E, 2, len(caption), caption),
                field(0x010F, 2, 6, b"Leica\0"),
                field(0x0110, 2, 4, b"EOS\0"),
                field(0x0112, 3, 1, struct.pack(">H", orientation)),
                field(0x011A, 5, 1, struct.pack(">II", 300, 1)),
                field(0x011B, 5, 1, struct.pack(">II", 300, 1)),
                field(0x0128, 3, 1, struct.pack(">H", 2)),
                field(0x8769, 4, 1, struct.pack(">I", exif_at)),
                field(0x8825, 4, 1, struct.pack(">I", gps_at)),
            ],
            8,
            thumbnail_at,
        )

    exif_at = 8 + len(first(0, 0, 0))
    gps_at = exif_at + len(directory(exif, exif_at))
    thumbnail_at = gps_at + len(directory(gps, gps_at))
    data_at = thumbnail_at + 2 + 12 * 3 + 4
    thumbnail = [
        field(0x0103, 3, 1, struct.pack(">H", 6)),
        field(0x0201, 4, 1, struct.pack(">I", data_at)),
        field(0x0202, 4, 1, struct.pack(">I", len(jpeg.getvalue()))),
    ]
    return (
        b"MM\0*\0\0\0\x08"
        + first(exif_at, gps_at, thumbnail_at)
        + directory(exif, exif_at)
        + directory(gps, gps_at)
        + directory(thumbnail, thumbnail_at)
        + jpeg.getvalue()
    )


XMP = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
  xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
 <!-- at 52.5 N -->
 <rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
   xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
   xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
   xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
   xmlns:drone="http://www.dji.com/drone-dji/1.0/"
   tiff:Orientation="6" tiff:Make="Leica" exif:GPSLatitude="52,30N" photoshop:City="Berlin"
   exif:PixelXDimension="4000" xmp:CreateDate="2023-05-06T07:08:09" crs:Exposure2012="+1.0"
   drone:Latitude="52.5"/>
 <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
   xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
   xmlns:xmpGImg="http://ns.adobe.com/xap/1.0/g/img/"
   xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
  <dc:description>
   <rdf:Alt><rdf:li xml:lang="x-default">{CAPTION}</rdf:li></rdf:Alt>
  </dc:description>
  <exif:GPSLongitude>13,24E</exif:GPSLongitude>
  <exif:PixelYDimension>3000</exif:PixelYDimension>
  <xmp:Thumbnails><rdf:Alt><rdf:li xmpGImg:image="AAAA"/></rdf:Alt></xmp:Thumbnails>
  <Iptc4xmpExt:LocationCreated>
   <rdf:Bag><rdf:li>Berlin</rdf:li></rdf:Bag>
  </Iptc4xmpExt:LocationCreated>
 </rdf:Description>
</rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()


def iptc_data(caption: str = CAPTION) -> bytes:
    fields = {(1, 90): b"\x1b%G", (2, 5): b"Title", (2, 90): b"Berlin", (2, 120): caption.encode()}
    return b"".join(
        struct.pack(">BBBH", 0x1C, *key, len(text)) + text for key, text in fields.items()
    )


def photoshop_segment() -> bytes:
    data = iptc_data()
    other = b"8BIM\x03\xed\0\0" + struct.pack(">I", 3) + b"abc\0"
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(data)) + data + bytes(len(data) % 2)
    content = b"Photoshop 3.0\0" + other + resource
    return b"\xff\xed" + struct.pack(">H", len(content) + 2) + content


def save_jpeg(picture: Image.Image, path: Path, exif: bytes, xmp: bytes = XMP) -> None:
    picture.save(path, exif=b"Exif\0\0" + exif, xmp=xmp, extra=photoshop_segment(), quality=95)


def save_png(picture: Image.Image, path: Path, exif: bytes, xmp: bytes = XMP) -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=True)
    picture.save(path, exif=exif, pnginfo=chunks)


def save_late_png(picture: Image.Image, path: Path, exif: bytes, xmp: bytes = XMP) -> None:
    """A PNG with what is written about it behind the pixels, as exiftool writes it."""
    save_png(picture, path, exif, xmp)
    data = path.read_bytes()
    chunks: list[bytes] = []
    place = 8
    while place < len(data):
        size = struct.unpack_from(">I", data, place)[0] + 12
        chunks.append(data[place : place + size])
        place += size
    last = [chunk for chunk in chunks if chunk[4:8] in (b"eXIf", b"iTXt")]
    others = [chunk for chunk in chunks if chunk not in last]
    path.write_bytes(data[:8] + b"".join([*others[:-1], *last, others[-1]]))


def save_webp(picture: Image.Image, path: Path, exif: bytes, xmp: bytes = XMP) -> None:
    picture.save(path, exif=exif, xmp=xmp, lossless=True)


def save_tiff(picture: Image.Image, path: Path, exif: bytes, xmp: bytes = XMP) -> None:
    """A TIFF file by Pillow, whose EXIF tags are its own and which has no letters but ASCII's."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    block = Image.Exif()
    block.load(exif)
    for tag, value in block.items():
        tags[tag] = value
    for tag in (0x8769, 0x8825):
        tags[tag] = block.get_ifd(tag)
    tags[700] = xmp
    tags.tagtype[33723] = 7
    tags[33723] = iptc_data()
    picture.save(path, tiffinfo=tags)


def save_avif(picture: Image.Image, path: Path, exif: bytes, xmp: bytes = XMP) -> None:
    # Pillow turns the picture by what EXIF says, and then says that it is upright.
    picture.save(path, exif=exif, xmp=xmp, quality=95)


SAVERS = {
    ".jpg": save_jpeg,
    ".png": save_png,
    ".late.png": save_late_png,
    ".webp": save_webp,
    ".tif": save_tiff,
    ".avif": save_avif,
}
