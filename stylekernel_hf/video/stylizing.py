"""A video stylized into another, frame by frame, with all that it holds beside its pictures."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeAlias

import torch
from jaxtyping import Num
from torch import Tensor

from stylekernel_hf.devices.processors import adaptive_threads, useful_workers
from stylekernel_hf.files.output_paths import check_not_read, check_output_file
from stylekernel_hf.images.color_mode_names import ColorMode
from stylekernel_hf.images.tensors import ImageInput
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.styles.library import StyleLibrary
from stylekernel_hf.styles.picture_size import MIN_SIDE
from stylekernel_hf.styles.style_input import StyleInput
from stylekernel_hf.video.encoding import Encoding
from stylekernel_hf.video.formats import (
    ANIMATIONS,
    DEFAULT_QUALITY,
    check_quality,
    choose_codec,
    names_frames,
    tells_aspect,
)
from stylekernel_hf.video.frame_stylizer import BegunFrame, FrameOptions, FrameStylizer
from stylekernel_hf.video.gpu_encoding import on_gpu
from stylekernel_hf.video.joining import join
from stylekernel_hf.video.option_checks import (
    check_fps,
    check_smoothing,
    check_times,
    scaled_size,
)
from stylekernel_hf.video.other_streams import Shift
from stylekernel_hf.video.overlap import Behind, read_ahead, side_by_side
from stylekernel_hf.video.picture_output import check_frames_folder, write_pictures
from stylekernel_hf.video.recording import Recorder, StylizedFrame
from stylekernel_hf.video.segments import SegmentFolder, segment_folder
from stylekernel_hf.video.sources import damage_of, identity, look_at
from stylekernel_hf.video.timed_reader import TimedReader
from stylekernel_hf.video.timing import Repeated

logger = logging.getLogger(__name__)

DEFAULT_SMOOTHING = 0.5

ReadFrame: TypeAlias = Repeated[Num[Tensor, "1 3 h w"] | None]
"""A frame with its times; without a picture if a finished part holds it."""


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

    `content` may also be an animated GIF, WebP or PNG file, or a folder of pictures, which are its
    frames in order by name. `output` may also end in .gif, .webp or .apng, or be a new folder, for
    one PNG file a frame, with the names of the files of `content` if that is a folder.

    `strength` to `tile_size` are those of the pipeline's call, the same in every frame. But a mask
    or a strength may be a clip, too, and moves then, in the same time as `content`; its last frame
    stays where it is shorter. The network
    measures every frame; what it measures is averaged over time within a scene, with weights that
    halve in `smoothing` seconds, so that colours do not pulse. With 0 nothing is. `start` and
    `end` are seconds of the clip. Frames with a side of more than `max_side` px are made smaller.
    `fps` shows frames at this rate, leaving some out or repeating some, instead of at their own
    times; it is the rate of the frames of a folder, 25 without. `codec` is "h264" (the default),
    "hevc" or "vp9" (the default of .webm), `quality` runs from 1 to 100. Sides that are odd keep
    their full colour resolution in "h264" and "hevc", which not every player shows.

    `on_frame` is called after every frame. Raises ImportError without PyAV (the extra "video"), and
    ValueError, TypeError or OSError with the name of the argument at fault, for HDR among others.
    A file that is damaged gives what can be read of it, see `StylizedVideo.damage`.
    """
    # 1. Check what is asked for.
    target = Path(output)
    codec_found = choose_codec(codec, target)
    quality = check_quality(quality)
    if names_frames(target):
        check_frames_folder(target, name="output")
    else:
        check_output_file(target, name="output")
    options = FrameOptions(
        strength, style_weights, masks, color, style_size, stroke_scale, tile_size
    )
    options = options.checked(pipe.model)
    smoothing = check_smoothing(smoothing)
    start, end = check_times(start, end)
    rate = check_fps(fps)
    # 2. Look at the clip.
    facts, reads, rate = look_at(content, rate, name="content")
    check_not_read([target], [Path(content)], name="output")
    if facts.seconds is not None and start >= facts.seconds > 0:
        raise ValueError(f"start must lie within the {facts.seconds:.2f} s, got {start}")
    notes = (
        ["content is interlaced: its lines are stylized as they are"] if facts.interlaced else []
    )
    width, height = scaled_size(facts.width, facts.height, max_side)
    aspect = facts.aspect
    if aspect != 1 and not tells_aspect(codec_found, target):
        width, aspect = 2 * max(MIN_SIDE // 2, round(width * aspect / 2)), Fraction(1)
        notes.append(
            f"frames are made {width} px wide, because {target.suffix or 'a picture'} with the "
            f"codec {codec_found.name} has square pixels only"
        )
    reader = reads(content, facts, (width, height), start, end, rate)
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
    encoding = on_gpu(encoding, pipe.device)
    plan = {
        "content": identity(content),
        "stylizer": stylizer.fingerprint(),
        "encoding": repr(encoding),
        "part": [start, end],
    }
    total = None if rate or on_frame is None else reader.count()
    # 4. Stylize the frames, while others are decoded and encoded, and join the parts.
    with segment_folder(target, plan) as folder:
        kept = folder.stylized

        def tell(done: int) -> None:
            if on_frame is not None:
                on_frame(VideoProgress(done, total, folder.stylized, folder.path))

        frames = _stylize_frames(reader, stylizer, folder, encoding, pipe.device, tell)
        if not folder.parts:
            part = f"from {start:g} s" + ("" if end is None else f" to {end:g} s")
            raise ValueError(f"start and end must leave frames, but '{content}' has none {part}")
        holds_sound = not (names_frames(target) or target.suffix.lower() in ANIMATIONS)
        damage = damage_of(reader, sound=holds_sound)
        if not holds_sound:
            notes += write_pictures(content, folder.parts, encoding, target, quality, reader.names)
        else:
            shift = Shift(
                facts.origin + reader.shift * reader.time_base,
                is_cut=start > 0,
                end=None if end is None else facts.origin + Fraction(end),
            )
            notes += join(content, folder.parts, encoding, target, shift, metadata=metadata)
    for note in [*notes, *([damage] if damage else [])]:
        logger.warning("%s", note)
    return StylizedVideo(frames, kept, tuple(notes), damage)


def _stylize_frames(
    reader: TimedReader,
    stylizer: FrameStylizer,
    folder: SegmentFolder,
    encoding: Encoding,
    device: torch.device,
    tell: Callable[[int], None],
) -> int:
    """Stylize the frames that no finished part holds; return how many there are in all."""
    recorder, done = Recorder(folder, encoding), 0
    if folder.parts:
        stylizer.restore(folder.parts[-1].state)
    workers = useful_workers(device)
    # A batch is read while the one before is stylized, and written while the next one is.
    depth = 1 + stylizer.batch_size
    try:
        with (
            adaptive_threads(workers=workers) as adapt_threads,
            read_ahead(reader.frames(folder.stylized), depth) as frames,
            Behind(recorder.add, depth) as behind,
        ):
            tasks = (
                _stylizing(batch, reader, stylizer, adapt_threads)
                for batch in _batches(frames, stylizer)
            )
            with side_by_side(tasks, workers) as stylized:
                for frame in chain.from_iterable(stylized):
                    if frame is not None:
                        behind.put(frame)
                    done += 1
                    tell(done)
    except BaseException:
        recorder.close(whole=False)
        raise
    recorder.close(whole=True)
    return done


def _batches(frames: Iterator[ReadFrame], stylizer: FrameStylizer) -> Iterator[list[ReadFrame]]:
    while batch := [*islice(frames, stylizer.batch_size)]:
        yield batch


def _stylizing(
    batch: Sequence[ReadFrame],
    reader: TimedReader,
    stylizer: FrameStylizer,
    adapt_threads: Callable[[], object],
) -> Callable[[], list[StylizedFrame | None]]:
    """Return what stylizes the next frames of the reader; None for those that a part holds."""
    begun: list[BegunFrame] = []
    told: list[tuple[ReadFrame, Callable[[], Any]]] = []
    for frame in batch:
        if frame.item is not None:
            time = (frame.times[0] + reader.shift) * reader.time_base
            begun.append(stylizer.begin(frame.item, time))
            told.append((frame, stylizer.snapshot()))

    @torch.inference_mode()
    def stylized() -> list[StylizedFrame | None]:
        adapt_threads()
        kept = [None] * (len(batch) - len(begun))  # They come first.
        return kept + [
            StylizedFrame(picture, frame.times, frame.duration, state)
            for picture, (frame, state) in zip(stylizer.finish(begun), told, strict=True)
        ]

    return stylized
