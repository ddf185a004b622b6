"""What a visitor chose, in a form that goes into the file of a result and comes out of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from PIL import Image, PngImagePlugin

from stylekernel_hf import __version__

CHUNK = "stylekernel"
"""Name of the PNG text chunk, and first word of the JPEG comment, that holds settings as JSON."""


@dataclass(frozen=True)
class Settings:
    """The options of one picture; the names are those of the pipeline where it has them.

    - paintings, style_weights: names and proportions of what is mixed.
    - region: "everywhere", or "painted", "unpainted", "split" or "each" by what was drawn.
    - strength_map: name of the image that the strength was multiplied with, if there was one.
    - width, height: of the result, in px.
    - model: Hub id, or the name of the embedded weights.
    """

    paintings: tuple[str, ...]
    style_weights: tuple[float, ...]
    strength: float
    color: str
    stroke_scale: float
    region: str
    width: int
    height: int
    model: str
    strength_map: str | None = None


def png_chunks(settings: Settings) -> PngImagePlugin.PngInfo:
    """Return the text chunks of a result."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("Software", f"stylekernel_hf {__version__}")
    chunks.add_itxt(CHUNK, json.dumps(asdict(settings), ensure_ascii=False))
    return chunks


def jpeg_comment(settings: Settings) -> bytes:
    """Return the comment of a result in JPEG: the settings after the name of the chunk."""
    return f"{CHUNK} {json.dumps(asdict(settings), ensure_ascii=False)}".encode()


def read_settings(picture: Image.Image) -> Settings:
    """Read what `png_chunks` or `jpeg_comment` wrote.

    Raises:
        ValueError: `picture` holds no settings, or settings that are damaged or of other names, as
            those of earlier versions are.
    """
    text = getattr(picture, "text", {}).get(CHUNK)
    comment = picture.info.get("comment", b"")
    if text is None and isinstance(comment, bytes) and comment.startswith(CHUNK.encode()):
        text = comment.decode(errors="replace").removeprefix(CHUNK)
    if text is None:
        raise ValueError(f"picture must hold settings named {CHUNK!r}, got one without them")
    try:
        values = json.loads(text)
        for name in ("paintings", "style_weights"):
            values[name] = tuple(values[name])
        return Settings(**values)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"picture must hold settings of this version, got {text[:80]!r}"
        ) from error
