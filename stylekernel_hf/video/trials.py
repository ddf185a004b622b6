"""What files and encoders take, found by trying: tables of it would age with FFmpeg."""

from __future__ import annotations

import io
import os
from itertools import islice
from typing import TYPE_CHECKING, Any

from stylekernel_hf.video.clip import open_clip
from stylekernel_hf.video.pyav import Codec, FFmpegError, av

if TYPE_CHECKING:
    from av.stream import Stream

# Some streams turn out not to fit only when their first packets are there.
_PACKETS = 4
# A stream that begins so late in the file is judged by its header alone.
_PACKETS_OF_ALL = 2000
_USUAL_LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")


def can_copy(content: str | os.PathLike[str], stream: Stream, muxer: str) -> bool:
    """Say whether a file of the kind of FFmpeg's `muxer` can hold a stream of a clip as it is."""
    with open_clip(content, name="content") as source:
        original = source.streams[stream.index]
        try:
            with av.open(io.BytesIO(), "w", format=muxer) as trial:
                copied = trial.add_stream_from_template(original, opaque=True)
                trial.start_encoding()
                if original.type == "audio":
                    _copy_packets(source, original, trial, copied)
        except (ValueError, FFmpegError):
            return False
    return True


def _copy_packets(source: Any, original: Stream, trial: Any, copied: Stream) -> None:
    packets = (
        packet
        for packet in islice(source.demux(), _PACKETS_OF_ALL)
        if packet.stream.index == original.index and packet.size
    )
    for number, packet in enumerate(islice(packets, _PACKETS)):
        packet.pts = packet.dts = number * max(1, packet.duration or 1)
        packet.stream = copied
        trial.mux_one(packet)


def sound_for(encoder: str, stream: Any) -> tuple[str, int] | None:
    """Return the layout and the rate nearest to a stream's that an encoder takes, if any are.

    As many channels are kept where the encoder takes as many in a usual layout, and otherwise two.
    Sound that FFmpeg cannot decode has none.
    """
    if stream.codec_context is None or not stream.channels:
        return None
    codec: Any = Codec(encoder, "w")
    rates: list[int] = sorted(codec.audio_rates or [stream.rate])
    rate = next((each for each in rates if each >= stream.rate), rates[-1])
    layouts = [stream.layout.name, *_USUAL_LAYOUTS[stream.channels - 1 : stream.channels], "stereo"]
    for layout in layouts:
        context: Any = av.CodecContext.create(encoder, "w")
        context.layout, context.sample_rate, context.format = layout, rate, codec.audio_formats[0]
        try:
            context.open()
        except (ValueError, FFmpegError):
            continue
        return layout, rate
    return None
