"""Frames of a video to upright RGB pictures, and stylized pictures back to frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Num, UInt8
from numpy.typing import NDArray
from torch import Tensor

from stylekernel_hf.video.colors import FULL_RANGE, LIMITED_RANGE, UNSPECIFIED, VideoColors
from stylekernel_hf.video.pyav import Graph, av

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_EXACT = "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
_TURNS = {0: [], 90: ["transpose=cclock"], -90: ["transpose=clock"], 180: ["hflip", "vflip"]}
_ANY_TIME_BASE = Fraction(1, 1000)


@dataclass(frozen=True)
class _Kind:
    """What must be the same of two frames for one graph of filters to serve both."""

    width: int
    height: int
    pixel_format: str
    matrix: int
    range: int


class RgbReader:
    """Turns frames upright, scales them to `size` (width, height) and converts them to RGB.

    `colors` hold where a frame does not tell its own. `turn` is counter-clockwise, in degrees.
    """

    def __init__(self, size: tuple[int, int], turn: int, colors: VideoColors) -> None:
        self._size, self._turn, self._colors = size, turn, colors
        self._graph: Graph | None = None
        self._kind: _Kind | None = None

    def read(self, frame: VideoFrame) -> Num[Tensor, "1 3 h w"]:
        """Return the picture: uint8, or floats in [0, 1] where the frame has more than 8 bits."""
        kind = _Kind(
            frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range
        )
        if self._graph is None or kind != self._kind:
            self._graph, self._kind = self._build(kind, frame), kind
        self._graph.push(frame)
        converted: Any = self._graph.pull()
        deep = converted.format.components[0].bits > 8
        planes = [_plane(plane, np.uint16 if deep else np.uint8) for plane in converted.planes]
        values = torch.from_numpy(np.stack([planes[2], planes[0], planes[1]]))[None]
        if values.dtype == torch.uint8 and not self._colors.is_foreign:
            return values
        most = 255 if values.dtype == torch.uint8 else 65535
        return self._colors.to_bt709(values.float() / most)

    def _build(self, kind: _Kind, frame: VideoFrame) -> Graph:
        told = self._colors if kind.matrix == UNSPECIFIED else VideoColors(kind.matrix)
        deep = any(component.bits > 8 for component in frame.format.components)
        width, height = self._size
        scaled = f"scale={width}:{height}:out_range=pc:{_EXACT}"
        if not (frame.format.is_rgb or frame.format.has_palette):
            matrix = told.matrix_name(kind.width, kind.height)
            is_full = (kind.range or self._colors.range or _usual_range(kind)) == FULL_RANGE
            scaled += f":in_color_matrix={matrix}:in_range={'pc' if is_full else 'tv'}"
        # FFmpeg makes the same values in planes, of green, blue and red, in a quarter of the time.
        steps = [*_TURNS[self._turn], scaled, f"format={'gbrp16' if deep else 'gbrp'}"]
        return _chain(kind.width, kind.height, kind.pixel_format, steps)


class YuvWriter:
    """Converts stylized pictures to frames of BT.709 in limited range, or keeps them in RGB."""

    def __init__(self, width: int, height: int, pixel_format: str) -> None:
        converted = f"scale=out_color_matrix=bt709:in_range=pc:out_range=tv:{_EXACT}"
        is_rgb = pixel_format == "rgb24"
        steps = [*([] if is_rgb else [converted]), f"format={pixel_format}"]
        self._graph = _chain(width, height, "rgb24", steps)

    def write(self, picture: UInt8[Tensor, "1 3 h w"]) -> VideoFrame:
        """Return the frame of a picture, without a time."""
        pixels: Any = np.ascontiguousarray(picture[0].permute(1, 2, 0).numpy())
        frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
        frame.pts, frame.time_base = 0, _ANY_TIME_BASE
        self._graph.push(frame)
        converted: Any = self._graph.pull()
        return converted


def _plane(plane: Any, dtype: type[np.uint8] | type[np.uint16]) -> NDArray[Any]:
    """Return the values of a plane, without what fills up its rows."""
    return np.frombuffer(plane, dtype).reshape(plane.height, -1)[:, : plane.width]


def _usual_range(kind: _Kind) -> int:
    return FULL_RANGE if kind.pixel_format.startswith(("yuvj", "gray")) else LIMITED_RANGE


def _chain(width: int, height: int, pixel_format: str, steps: Sequence[str]) -> Graph:
    graph = Graph()
    last = graph.add_buffer(
        width=width,
        height=height,
        format=av.VideoFormat(pixel_format, width, height),
        time_base=_ANY_TIME_BASE,
    )
    for step in steps:
        name, _, options = step.partition("=")
        following = graph.add(name, options or None)
        last.link_to(following)
        last = following
    last.link_to(graph.add("buffersink"))
    graph.configure()
    return graph
