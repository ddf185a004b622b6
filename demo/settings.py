"""What a visitor chose, in a form that goes into the PNG and comes out of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from PIL import Image, PngImagePlugin

from demo.messages import VisitorError
from stylekernel_hf import __version__

CHUNK = "stylekernel"
"""Name of the PNG text chunk that holds the settings as JSON."""

COLORS = [
    ("The painting's", "style"),
    ("The photo's, in the painting's tones", "luminance"),
    ("The photo's, on average", "statistics"),
    ("Only the painting's colours", "transfer"),
]
EVERYWHERE, PAINTED, UNPAINTED = "everywhere", "painted", "unpainted"
SPLIT, EACH = "split", "each"
REGIONS = [
    ("The whole photo", EVERYWHERE),
    ("Only where I painted", PAINTED),
    ("Everywhere else", UNPAINTED),
    ("The first painting there, the others elsewhere", SPLIT),
    ("Each painting where its own colour is", EACH),
]
RESOLUTIONS = [("512 px", 512), ("768 px", 768), ("1024 px", 1024), ("1536 px", 1536)]


def check_resolution(resolution: int) -> None:
    """Raise VisitorError for a side that is none of `RESOLUTIONS`."""
    if resolution not in [value for _, value in RESOLUTIONS]:
        raise VisitorError(f"Resolution must be 512, 768, 1024 or 1536; got {resolution}.")


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
    style_size: int
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
