"""The encoder of a GPU in place of the processor's, where a trial shows that it does the same."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from stylekernel_hf.errors.messages import first_line
from stylekernel_hf.video.colors import BT709, LIMITED_RANGE
from stylekernel_hf.video.encoding import Encoding, SegmentWriter
from stylekernel_hf.video.formats import Codec
from stylekernel_hf.video.pyav import av

logger = logging.getLogger(__name__)

# Without frames out of order ("bf"), frames at irregular times need no times of decoding.
_NVENC = (("rc", "vbr"), ("b", "0"), ("bf", "0"), ("preset", "p5"), ("tune", "hq"))
GPU_CODECS = {
    codec.name: codec
    for codec in (
        Codec("h264", "h264_nvenc", 37, 12, (*_NVENC, ("profile", "high")), True, "cq"),
        Codec("hevc", "hevc_nvenc", 40, 15, _NVENC, True, "cq"),
    )
}

_TIMES = (0, 2, 3, 7)


def on_gpu(encoding: Encoding, device: torch.device) -> Encoding:
    """Return an encoding by the GPU on which a video is stylized, or the same one if it has none.

    A trial with frames of the video's size decides. Sides that are odd stay with the processor.
    """
    codec = GPU_CODECS.get(encoding.codec.name)
    if device.type != "cuda" or codec is None or encoding.pixel_format != "yuv420p":
        return encoding
    changed = replace(encoding, codec=codec)
    try:
        fault = _fault_of(changed)
    except Exception as error:  # Drivers raise errors of many types.
        fault = first_line(error)
    if fault:
        logger.info(
            "%s does not work here, using %s: %s", codec.encoder, encoding.codec.encoder, fault
        )
        return encoding
    return changed


def _fault_of(encoding: Encoding) -> str:
    """Encode frames at irregular times and decode them; say in what they differ, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "trial.mp4")
        writer = SegmentWriter(path, encoding)
        try:
            for time in _TIMES:
                rgb = torch.full((1, 3, encoding.height, encoding.width), 30 * time)
                writer.write(rgb.to(torch.uint8), (time,))
        except BaseException:
            writer.give_up()
            raise
        writer.finish()
        with av.open(f"file:{path}") as container:
            frames = list(container.decode(video=0))
    sizes = {(frame.width, frame.height, frame.format.name) for frame in frames}
    if tuple(frame.pts for frame in frames) != _TIMES:
        return "other times"
    if sizes != {(encoding.width, encoding.height, encoding.pixel_format)}:
        return f"frames of {sizes}"
    if {(int(frame.colorspace), int(frame.color_range)) for frame in frames} != {
        (BT709, LIMITED_RANGE)
    }:
        return "other colours"
    return ""
