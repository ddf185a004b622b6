"""A video stylized into another, frame by frame, with all that it holds beside its pictures."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch

from stylekernel_hf.devices.processors import adaptive_threads
from stylekernel_hf.errors.given_values import as_float, as_integer, shown
from stylekernel_hf.files.atomic_write import atomic_file
from stylekernel_hf.files.output_paths import check_not_read, check_output_file
from stylekernel_hf.images.color_modes import ColorMode
from stylekernel_hf.images.tensors import ImageInput
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.styles.library import StyleLibrary
from stylekernel_hf.styles.picture_size import MIN_SIDE
from stylekernel_hf.styles.style_input import StyleInput
from stylekernel_hf.video.clip import count_frames, look_at_clip
from stylekernel_hf.video.encoding import Encoding
from stylekernel_hf.video.formats import (
    DEFAULT_QUALITY,
    check_quality,
    choose_codec,
    tells_aspect,
    video_format,
)
from stylekernel_hf.video.frame_stylizer import FrameOptions, FrameStylizer
from stylekernel_hf.video.frames import FrameReader
from stylekernel_hf.video.joining import join
from stylekernel_hf.video.other_streams import Shift
from stylekernel_hf.video.overlap import Behind, read_ahead
from stylekernel_hf.video.recording import Recorder, StylizedFrame
from stylekernel_hf.video.segments import SegmentFolder, segment_folder

logger = logging.getLogger(__name__)

DEFAULT_SMOOTHING = 0.5
_MOST_FPS = 240
# By so much files may tell more than there is.
_SLACK_SECONDS = 0.05


@dataclass(frozen=True)
class StylizedVideo:
    """What became of a video.

    `frames` were stylized, `kept_frames` of them by an earlier call that was ended. `notes` say in
    one line each what of the clip could not be kept as it was; they are in the log as warnings too.
    `damage` says why not all of the clip could be read, and is empty if it could.
    """

    frames: int
    kept_frames: int
    notes: tuple[str, ...]
    damage: str


@dataclass(frozen=True)
class VideoProgress:
    """How far a video has come: frames `done` of a `total`, which may be unknown.

    `kept` of them the same call finds again, in `folder`, if this one is ended.
    """

    done: int
    total: int | None
    kept: int
    folder: Path


@torch.inference_mode()
def stylize_video(
    pipe: StyleKernelPipeline,
    content: str | os.PathLike[str],
    style: StyleInput | Sequence[StyleInput] | StyleLibrary,
    output: str | os.PathLike[str],
    *,
    strength: float | ImageInput = 1.0,
    style_weights: Sequence[float] | None = None,
    masks: Sequence[ImageInput] | None = None,
    color: ColorMode = "style",
    style_size: int | None = 512,
    stroke_scale: float = 1.0,
    tile_size: int | None = None,
    smoothing: float = DEFAULT_SMOOTHING,
    start: float = 0.0,
    end: float | None = None,
    max_side: int | None = None,
    fps: float | None = None,
    codec: str | None = None,
    quality: int = DEFAULT_QUALITY,
    metadata: bool = True,
    on_frame: Callable[[VideoProgress], None] | None = None,
) -> StylizedVideo:
    """Stylize a video file into another, in memory that does not grow with its length.

    The result has the size, the number of frames, their times and the shape of pixels of the clip,
    upright, in the colours of BT.709; sound, subtitles, chapters and, with `metadata`, titles are
    copied. What the kind of file cannot hold is encoded anew or left out, with a warning in the
    log. `output` ends in .mp4, .m4v, .mov, .mkv or .webm, and appears whole or not at all. Until
    then, finished parts lie beside it in a hidden folder, and the same call goes on after them.

    `strength` to `tile_size` are those of the pipeline's call, the same in every frame. The network
    measures every frame; what it measures is averaged over time within a scene, with weights that
    halve in `smoothing` seconds, so that colours do not pulse. With 0 nothing is. `start` and
    `end` are seconds of the clip. Frames with a side of more than `max_side` px are made smaller.
    `fps` shows frames at this rate, leaving some out or repeating some, instead of at their own
    times. `codec` is "h264" (the default), "hevc" or "vp9" (the default of .webm), `quality` runs
    from 1 to 100. Sides that are odd keep their full colour resolution in "h264" and "hevc", which
    not every player shows.

    `on_frame` is called after every frame. Raises ImportError without PyAV (the extra "video"), and
    ValueError, TypeError or OSError with the name of the argument at fault, for HDR among others.
    A file that is damaged gives what can be read of it, see `StylizedVideo.damage`.
    """
    # 1. Check what is asked for.
    target = Path(output)
    codec_found = choose_codec(codec, target)
    quality = check_quality(quality)
    check_output_file(target, name="output")
    options = FrameOptions(
        strength, style_weights, masks, color, style_size, stroke_scale, tile_size
    )
    options = options.checked(pipe.model)
    smoothing = _check_smoothing(smoothing)
    start, end = _check_times(start, end)
    rate = _check_fps(fps)
    # 2. Look at the clip.
    facts = look_at_clip(content, name="content")
    check_not_read([target], [Path(content)], name="output")
    if facts.seconds is not None and start >= facts.seconds > 0:
        raise ValueError(f"start must lie within the {facts.seconds:.2f} s, got {start}")
    notes = (
        ["content is interlaced: its lines are stylized as they are"] if facts.interlaced else []
    )
    width, height = _scaled(facts.width, facts.height, max_side)
    aspect = facts.aspect
    if aspect != 1 and not tells_aspect(codec_found, target):
        width, aspect = 2 * max(MIN_SIDE // 2, round(width * aspect / 2)), Fraction(1)
        notes.append(
            f"frames are made {width} px wide, because {target.suffix} with the codec "
            f"{codec_found.name} has square pixels only"
        )
    reader = FrameReader(content, facts, (width, height), start, end, rate)
    encoding = Encoding(
        codec_found,
        quality,
        width,
        height,
        aspect,
        rate or facts.rate,
        reader.time_base,
    )
    # 3. Encode the styles once.
    stylizer = FrameStylizer(pipe, style, (height, width), options, smoothing)
    plan = {
        "content": _identity(content),
        "stylizer": stylizer.fingerprint(),
        "encoding": repr(encoding),
        "part": [start, end],
    }
    total = None if rate else count_frames(facts, start, end)
    # 4. Stylize the frames, while others are decoded and encoded, and join the parts.
    with segment_folder(target, plan) as folder:
        kept = folder.stylized

        def tell(done: int) -> None:
            if on_frame is not None:
                on_frame(VideoProgress(done, total, folder.stylized, folder.path))

        frames = _stylize_frames(reader, stylizer, folder, encoding, tell)
        if not folder.parts:
            part = f"from {start:g} s" + ("" if end is None else f" to {end:g} s")
            raise ValueError(f"start and end must leave frames, but '{content}' has none {part}")
        with atomic_file(target) as temporary:
            shift = Shift(
                facts.origin + reader.shift * reader.time_base,
                is_cut=start > 0,
                end=None if end is None else facts.origin + Fraction(end),
            )
            kind = video_format(target, name="output")
            notes += join(
                content, folder.parts, encoding, temporary, kind, shift, metadata=metadata
            )
        damage = _damage(reader)
    for note in [*notes, *([damage] if damage else [])]:
        logger.warning("%s", note)
    return StylizedVideo(frames, kept, tuple(notes), damage)


def _stylize_frames(
    reader: FrameReader,
    stylizer: FrameStylizer,
    folder: SegmentFolder,
    encoding: Encoding,
    tell: Callable[[int], None],
) -> int:
    """Stylize the frames that no finished part holds; return how many there are in all."""
    recorder, done = Recorder(folder, encoding), 0
    if folder.parts:
        stylizer.restore(folder.parts[-1].state)
    try:
        with (
            adaptive_threads() as adapt_threads,
            read_ahead(reader.frames(folder.stylized)) as frames,
            Behind(recorder.add) as behind,
        ):
            for frame in frames:
                if frame.item is not None:
                    picture = stylizer.stylize(frame.item, float(frame.times[0] * reader.time_base))
                    state = stylizer.snapshot()
                    behind.put(StylizedFrame(picture, frame.times, frame.duration, state))
                    adapt_threads()
                done += 1
                tell(done)
    except BaseException:
        recorder.close(whole=False)
        raise
    recorder.close(whole=True)
    return done


def _check_smoothing(smoothing: object) -> float:
    seconds = as_float(smoothing, "smoothing")
    if seconds < 0:
        raise ValueError(f"smoothing must be at least 0 s, got {seconds:g}")
    return seconds


def _check_times(start: object, end: object) -> tuple[float, float | None]:
    first = as_float(start, "start")
    if first < 0:
        raise ValueError(f"start must be at least 0 s, got {first:g}")
    if end is None:
        return first, None
    last = as_float(end, "end")
    if last <= first:
        raise ValueError(f"end must be after the start at {first:g} s, got {last:g}")
    return first, last


def _check_fps(fps: object) -> Fraction | None:
    """Return a rate as a fraction that files can hold, such as 30000 / 1001."""
    if fps is None:
        return None
    rate = as_float(fps, "fps")
    if not 0 < rate <= _MOST_FPS:
        raise ValueError(f"fps must lie in (0, {_MOST_FPS}], got {shown(rate)}")
    return Fraction(fps if isinstance(fps, Fraction) else rate).limit_denominator(1001)


def _scaled(width: int, height: int, max_side: object) -> tuple[int, int]:
    """Return (width, height) with a longer side of at most `max_side`, even if smaller."""
    if max_side is None:
        return width, height
    most = as_integer(max_side, "max_side", low=MIN_SIDE)
    scale = most / max(width, height)
    if scale >= 1:
        return width, height
    smaller = [max(MIN_SIDE, math.floor(side * scale / 2 + 0.5) * 2) for side in (width, height)]
    return min(smaller[0], most), min(smaller[1], most)


def _identity(content: str | os.PathLike[str]) -> list[object]:
    status = Path(content).stat()
    return [str(Path(content).absolute()), status.st_size, status.st_mtime_ns]


def _damage(reader: FrameReader) -> str:
    """Say why not all of the clip could be read; nothing if it could."""
    facts, damage = reader.facts, reader.damage
    if damage.packets:
        return (
            f"content: '{os.fspath(reader.path)}' is damaged, {damage.packets} of its packets "
            f"could not be decoded: {damage.reason}"
        )
    read = float(reader.last * facts.time_base)
    slack = _SLACK_SECONDS + 2 / facts.rate
    if reader.end is None and facts.stream_seconds and read + slack < facts.stream_seconds:
        return (
            f"content: '{os.fspath(reader.path)}' is cut short, {read:.2f} of "
            f"{facts.stream_seconds:.2f} s could be read"
        )
    return ""
