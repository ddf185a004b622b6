"""What the demo does, without a page: orders in, files out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

from PIL import Image

from demo.catalog import PAINTINGS, painting_path
from demo.limits import Limits
from demo.memory import freed_memory
from demo.messages import VisitorError
from demo.models import EMBEDDED, ModelShelf
from demo.pictures import read_picture, within
from demo.region import as_map, color_masks, multiplied, region_mask, scaled_by, split_by
from demo.settings import COLORS, EACH, EVERYWHERE, REGIONS, SPLIT, UNPAINTED, Settings
from demo.watched import Report, Watch, WatchedPipeline, watched
from stylekernel_hf import StyleKernelPipeline

_LAYERS = 4
"""Layers that the editor of the region may have."""
_ENCODED = 64
"""Encodings of the demo's paintings that are remembered for each model."""


def _ignore(share: float, label: str) -> None: ...


@dataclass(frozen=True)
class Order:
    """How to paint, as a visitor says it.

    - paintings: titles of the demo's own; own_paintings: files of the visitor's.
    - weights: of the paintings in this order, the demo's first; those missing count 1.
    - region: of `REGIONS`; layers: files, or their bytes, of what was painted.
    - strength_map: file of an image by which the strength is multiplied.
    """

    paintings: Sequence[str] = ()
    own_paintings: Sequence[str] = ()
    weights: Sequence[float] = ()
    strength: float = 1.0
    color: str = "style"
    style_size: int = 512
    region: str = EVERYWHERE
    layers: Sequence[str | bytes] = ()
    strength_map: str | None = None
    model: str | None = EMBEDDED


@dataclass(frozen=True)
class Palette:
    """The paintings of one order, read and encoded, with their names and weights."""

    names: tuple[str, ...]
    styles: list[Any]
    weights: tuple[float, ...]


@dataclass
class Studio:
    """The checkpoints, the limits, and the work done with them."""

    limits: Limits = field(default_factory=Limits)
    embedded: StyleKernelPipeline | None = None

    def __post_init__(self) -> None:
        self.models = ModelShelf(self.limits, self.embedded)
        # Only the demo's own paintings are remembered; nothing of a visitor outlives the request,
        # and no model of the Hub the place that it has on the shelf.
        self._encoded: WeakKeyDictionary[WatchedPipeline, dict[tuple[str, int], Any]]
        self._encoded = WeakKeyDictionary()

    @contextlib.contextmanager
    def watch(self, report: Report = _ignore) -> Iterator[Watch]:
        """Within it, one request is worked on, and ends when it must."""
        watch = Watch(report, self.limits.seconds)
        with freed_memory.of_request(), watched(watch):
            yield watch

    def mix(self, order: Order) -> Palette:
        """Read and encode the paintings of an order; VisitorError for a wrong choice."""
        pipe = self.models.get(order.model)
        chosen = [str(title) for title in order.paintings]
        if unknown := [title for title in chosen if title not in PAINTINGS]:
            raise VisitorError(
                f"Paintings must be of {', '.join(PAINTINGS)}; got “{unknown[0]}”. Add others as "
                "your own."
            )
        count = len(chosen) + len(order.own_paintings)
        if not 1 <= count <= self.limits.paintings:
            raise VisitorError(
                "Choose a painting, or add one of your own."
                if count == 0
                else f"Choose at most {self.limits.paintings} paintings; these are {count}."
            )
        style_size = _checked("Stroke size", order.style_size, 128, 1024)
        as_pictures = order.color == "transfer"
        styles: list[Any] = [
            painting_path(title) if as_pictures else self._encode_own(pipe, title, int(style_size))
            for title in chosen
        ]
        for path in order.own_paintings:
            picture = read_picture(path, "Painting", self.limits)
            styles.append(
                within(picture, 2048)
                if as_pictures
                else pipe.encode_style(picture, style_size=int(style_size))
            )
        names = (*chosen, *(Path(path).name for path in order.own_paintings))
        weights = [*order.weights, *[1.0] * count][:count]
        weights = [_checked("Weights", weight, 0, 1) for weight in weights]
        if sum(weights) <= 0:
            raise VisitorError("Give at least one painting a weight above 0.")
        return Palette(names, styles, tuple(weights))

    def paint(
        self, photo: Image.Image, palette: Palette, order: Order
    ) -> tuple[Image.Image, Settings]:
        """Paint one photo; the result is as large as it."""
        strength = _checked("Strength", order.strength, 0, 1)
        _check_choice("Colour", order.color, COLORS)
        result = self.models.get(order.model)(
            photo,
            palette.styles,
            **self._places(order, palette.weights, strength),
            color=order.color,  # type: ignore[arg-type]
        ).images[0]
        settings = Settings(
            paintings=palette.names,
            style_weights=palette.weights,
            strength=strength,
            color=order.color,
            style_size=int(order.style_size),
            region=order.region,
            width=photo.width,
            height=photo.height,
            model=order.model or EMBEDDED,
            strength_map=Path(order.strength_map).name if order.strength_map else None,
        )
        return result, settings

    def _encode_own(self, pipe: WatchedPipeline, title: str, style_size: int) -> Any:
        encoded = self._encoded.setdefault(pipe, {})
        if (title, style_size) not in encoded:
            if len(encoded) >= _ENCODED:
                encoded.clear()
            style = pipe.encode_style(painting_path(title), style_size=style_size)
            encoded[title, style_size] = style
        return encoded[title, style_size]

    def _places(self, order: Order, weights: Sequence[float], strength: float) -> dict[str, Any]:
        """Return the options that say which style goes where, and how strongly."""
        _check_choice("Region", order.region, REGIONS)
        fade = self._strength_map(order, strength)
        if order.region == EVERYWHERE:
            return {"strength": fade or strength, "style_weights": weights}
        if order.region == SPLIT and len(weights) < 2:
            raise VisitorError(
                "Choose a second painting: the first goes where you painted, the others elsewhere."
            )
        layers = self._layers(order)
        if order.region == EACH:
            masks = color_masks(layers, len(weights)) or _unpainted()
            return {"strength": fade or strength, "masks": masks}
        mask = region_mask(layers, inverted=order.region == UNPAINTED) or _unpainted()
        if order.region == SPLIT:
            return {"strength": fade or strength, "masks": split_by(mask, weights)}
        there = multiplied(mask, fade) if fade else scaled_by(mask, strength)
        return {"strength": there, "style_weights": weights}

    def _layers(self, order: Order) -> list[Image.Image]:
        if len(order.layers) > _LAYERS:
            raise VisitorError(f"The region may have at most {_LAYERS} layers.")
        return [read_picture(path, "Region", self.limits, any_size=True) for path in order.layers]

    def _strength_map(self, order: Order, strength: float) -> Image.Image | None:
        if order.strength_map is None:
            return None
        picture = read_picture(order.strength_map, "Strength map", self.limits, any_size=True)
        return scaled_by(as_map(picture), strength)


def _unpainted() -> NoReturn:
    raise VisitorError("Paint on the photo under “Region” first, or repaint the whole photo.")


def _checked(name: str, value: object, low: float, high: float) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise VisitorError(f"{name} must be a number from {low} to {high}; got {value}.")
    return float(value)


def _check_choice(name: str, value: str, choices: Sequence[tuple[str, str]]) -> None:
    values = [choice for _, choice in choices]
    if value not in values:
        raise VisitorError(f"{name} must be one of {', '.join(values)}; got “{value}”.")
