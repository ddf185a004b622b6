"""Clips that visitors might send to harm a server, or that no server can paint."""

from __future__ import annotations

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
