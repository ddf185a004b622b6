"""Clips that visitors might send to harm a server, or that no server can paint."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

from PIL import Image

from tests.video.clips import Clip, picture, save_clip


def save_wide(path: Path) -> None:
    """Write an AVI whose header promises 100,000 px."""
    clip = Clip(codec="rawvideo", pixel_format="yuv420p", times=range(0, 72, 24))
    made = save_clip(path.with_suffix(".avi"), clip)
    data = bytearray(made.read_bytes())
    struct.pack_into("<i", data, data.index(b"strf") + 12, 100_000)
    path.write_bytes(data)


def save_growing(path: Path) -> None:
    """Write a stream whose frames become larger in the middle."""
    sizes = ((64, 48), (320, 240))
    parts = [
        save_clip(path.with_name(f"{width}.ts"), Clip(size=(width, height)))
        for width, height in sizes
    ]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))


def save_joined(path: Path, *begins: float) -> None:
    """Write recordings of 0.4 s, one after the other, whose clocks begin at these seconds."""
    parts: list[bytes] = []
    for begin in begins:
        offset = {"output_ts_offset": f"{begin:.3f}"}
        part = save_clip(path.with_name("part.ts"), Clip(audio="aac", container_options=offset))
        parts.append(part.read_bytes())
    path.write_bytes(b"".join(parts))


def save_jumping(path: Path, frames: int) -> None:
    """Write a transport stream whose clock jumps by hours at every frame."""
    save_clip(path, Clip(times=range(0, 24 * frames, 24)))
    data, times = bytearray(path.read_bytes()), itertools.cycle((0, 2**31, 2**20))
    for packet in range(0, len(data), 188):
        stuffing = 1 + data[packet + 4] if data[packet + 3] & 0x20 else 0
        begin = packet + 4 + stuffing
        if data[packet + 1] & 0x40 and data.startswith(b"\0\0\1\xe0", begin):
            time = next(times)
            for place in range(begin + 9, begin + 9 + data[begin + 8], 5):  # Shown, and decoded.
                marks = data[place] & 0xF0 | 1
                high = marks | time >> 29 & 14, time >> 22 & 255, time >> 14 & 254 | 1
                data[place : place + 5] = bytes((*high, time >> 7 & 255, time << 1 & 254 | 1))
    path.write_bytes(data)


def save_gif(path: Path, frames: int, milliseconds: int) -> None:
    pictures = [Image.fromarray(picture(number)) for number in range(frames)]
    options = {"save_all": True, "append_images": pictures[1:], "duration": milliseconds}
    pictures[0].save(path, "GIF", **options)


def references(address: str, secret: Path) -> dict[str, str]:
    """Texts that name other files and hosts, each in a format that FFmpeg knows."""
    segment = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
    manifest = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4">'
        '<Representation id="1" bandwidth="1"><BaseURL>{}</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>"
    )
    session = (
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    )
    return {
        "hls of a host": segment.format(f"{address}/hls.ts"),
        "hls of a file": segment.format(secret),
        "hls of a file by its protocol": segment.format(f"file:{secret}"),
        "concat": f"ffconcat version 1.0\nfile '{secret}'\n",
        "concat of a host": f"ffconcat version 1.0\nfile '{address}/concat.mp4'\n",
        "dash": manifest.format(f"{address}/dash.mp4"),
        "dash of a file": manifest.format(f"file://{secret}"),
        "session": session,
        "script": f'<ffmpeg>movie="{secret}"</ffmpeg>',
    }


def linked_movie(path: Path, target: Path | str) -> bytes:
    """Return a QuickTime file whose frames lie in another file, named in its data reference."""
    whole = save_clip(path, Clip(codec="mjpeg", pixel_format="yuvj420p", range=2))
    data = whole.read_bytes()
    place = data.index(b"url ", data.index(b"dref")) - 4
    name = str(target).encode()
    # As in QuickTime's aliases: the path comes after the tag 18; flags of 0 say "not in this file".
    alias = bytes(150) + struct.pack(">HH", 18, len(name)) + name + bytes(len(name) % 2)
    alias += struct.pack(">HH", 0xFFFF, 0)
    entry = struct.pack(">I4sI", 12 + len(alias), b"alis", 0) + alias
    result = bytearray(data[:place] + entry + data[place + 12 :])
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        (size,) = struct.unpack_from(">I", result, at := data.index(kind) - 4)
        struct.pack_into(">I", result, at, size + len(entry) - 12)
    return bytes(result)
