"""The tracks of frames that `evaluate-frames` compares: stylized here, or read from files."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from PIL import Image

    from stylekernel_hf.metrics.temporal import FrameSource
    from stylekernel_hf.video.frame_stylizer import FrameStylizer

    Painters: TypeAlias = dict[str, Callable[[tuple[int, int]], FrameStylizer]]


def stored_tracks(
    paths: dict[str, Path], count: int, fps: float | None = None
) -> dict[str, FrameSource]:
    """Return what reads the frames of every video or folder, by the names of the rows.

    Raises ValueError unless each has `count` frames.
    """
    from stylekernel_hf.video.frame_list import FrameList

    tracks: dict[str, FrameSource] = {}
    for name, path in paths.items():
        stored = FrameList(path, name="stylized", fps=fps)
        if len(stored.times) != count:
            raise ValueError(
                f"stylized must be as many frames as the originals, {count}, got "
                f"{len(stored.times)} in '{path}'"
            )
        tracks[name] = partial(_stored, stored.loaders())
    return tracks


def _stored(loaders: list[Callable[[], Image.Image]], place: int, _: Image.Image) -> Image.Image:
    return loaders[place]()


def load_painters(
    styles: list[Path],
    models: list[str] | None,
    strength: float,
    smoothing: float,
    device: str | None,
) -> Painters:
    """Return what makes the stylizer of a clip of a size, by the names of the rows."""
    if not styles:
        return {}
    from stylekernel_hf.cli.candidates import EMBEDDED, load_pipelines
    from stylekernel_hf.video.frame_stylizer import FrameOptions, FrameStylizer
    from stylekernel_hf.video.option_checks import check_smoothing

    painters: Painters = {}
    ways = {"": check_smoothing(smoothing), ", each frame alone": 0.0}
    for name, pipe in load_pipelines(models or [EMBEDDED], device).items():
        options = FrameOptions(strength).checked(pipe.model)
        for style in styles:
            encoded = pipe.encode_style(style)
            for way, half_life in ways.items():
                painters[f"{name}, {style}{way}"] = partial(
                    FrameStylizer, pipe, encoded, options=options, smoothing=half_life
                )
    return painters


def stylized_tracks(
    painters: Painters, size: tuple[int, int], times: list[Fraction]
) -> dict[str, FrameSource]:
    """Return what stylizes the frames of a clip of this size and of these times."""
    return {name: partial(_stylized, make(size), times) for name, make in painters.items()}


def _stylized(
    stylizer: FrameStylizer, times: list[Fraction], place: int, frame: Image.Image
) -> Image.Image:
    import torch

    from stylekernel_hf.images.tensors import from_rgb_tensor, to_rgb_tensor

    rgb = to_rgb_tensor(frame, name="frames", keep_bytes=True)[0]
    with torch.inference_mode():
        return from_rgb_tensor(stylizer.stylize(rgb, times[place]), output_type="pil")
