"""What a visitor chose, in a form that goes into the PNG and comes out of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from PIL import Image, PngImagePlugin

from stylekernel_hf import __version__

CHUNK = "stylekernel"
"""Name of the PNG text chunk that holds the settings as JSON."""


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


def read_settings(png: Image.Image) -> Settings:
    """Read what `png_chunks` wrote; ValueError for a picture without it."""
    text = getattr(png, "text", {}).get(CHUNK)
    if text is None:
        raise ValueError(f"png must have a text chunk {CHUNK!r}, got a picture without one")
    values = json.loads(text)
    for name in ("paintings", "style_weights"):
        values[name] = tuple(values[name])
    return Settings(**values)
