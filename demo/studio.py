"""The demo's work without its page: orders in, pictures out."""

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
from demo.order import CONTROLS, EACH, EVERYWHERE, SPLIT, UNPAINTED, Order
from demo.pictures import read_picture, within
from demo.precedence import Pauses, precedence
from demo.region import as_map, color_masks, multiplied, region_mask, scaled_by, split_by
from demo.settings import Settings
from demo.streams import Streams
from demo.watched import Report, Watch, WatchedPipeline, watched
from stylekernel_hf import StyleKernelPipeline

_LAYERS = 4
"""Layers that the editor of the region may have."""
_MEASURE = 512
"""Short side in px up to which a larger photo has wider strokes."""
_NARROWEST, _WIDEST = CONTROLS["stroke_scale"].low, CONTROLS["stroke_scale"].high


def _ignore(share: float, label: str) -> None: ...


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
        self.streams = Streams(self.limits.cameras)
        self.models = ModelShelf(self.limits, self.embedded)
        # Only the demo's own paintings are remembered; nothing of a visitor outlives the request,
        # and no model of the Hub the place that it has on the shelf.
        self._encoded: WeakKeyDictionary[WatchedPipeline, dict[str, Any]]
        self._encoded = WeakKeyDictionary()

    @contextlib.contextmanager
    def watch(
        self,
        report: Report = _ignore,
        *,
        large: bool = False,
        pauses: Pauses | None = None,
        seconds: float | None = None,
        remedy: str = "a smaller picture",
    ) -> Iterator[Watch]:
        """Work on one request, which ends when its time is up or nobody waits for it.

        A large one pauses while others are worked on; parts of one request share their `pauses`.
        After so many `seconds`, by default those of the limits, the visitor is told to take the
        `remedy`.
        """
        if large and pauses is None:
            pauses = Pauses(precedence)
        watch = Watch(report, seconds or self.limits.seconds, pauses, remedy)
        with freed_memory.of_request(), watched(watch):
            yield watch

    def mix(self, order: Order) -> Palette:
        """Read and encode the paintings of an order; VisitorError for a wrong choice."""
        pipe = self.models.get(order.model)
        chosen = [str(title) for title in order.paintings or ()]
        own = order.own_paintings or ()
        if unknown := [title for title in chosen if title not in PAINTINGS]:
            raise VisitorError(
                f"Paintings must be among {', '.join(PAINTINGS)}; got “{unknown[0]}”. Add others "
                "as your own."
            )
        count = len(chosen) + len(own)
        if not 1 <= count <= self.limits.paintings:
            raise VisitorError(
                "Choose a painting, or add one of your own."
                if count == 0
                else f"Choose at most {self.limits.paintings} paintings; these are {count}."
            )
        as_pictures = order.color == "transfer"
        styles: list[Any] = [
            painting_path(title) if as_pictures else self._encode_own(pipe, title)
            for title in chosen
        ]
        for path in own:
            picture = read_picture(path, "Painting", self.limits)
            styles.append(within(picture, 2048) if as_pictures else pipe.encode_style(picture))
        names = (*chosen, *(Path(path).name for path in own))
        weights = [*order.weights, *[1.0] * count][:count]
        weights = [CONTROLS["weight_1"].check(weight) for weight in weights]
        if count == 1:
            weights = [1.0]  # A share is left over from a mixture.
        if sum(weights) <= 0:
            raise VisitorError("Give at least one painting a weight above 0.")
        return Palette(names, styles, tuple(weights))

    def stylize(
        self,
        photo: Image.Image,
        palette: Palette,
        order: Order,
        *,
        own_size: tuple[int, int] | None = None,
    ) -> tuple[Image.Image, Settings]:
        """Stylize one photo; the result has its size.

        `own_size` is that of a photo of which this is a smaller copy: the strokes will be as wide,
        relative to the frame, as in a result of that size.
        """
        strength, color = order.checked("strength"), order.checked("color")
        scale = order.checked("stroke_scale")
        result = self.models.get(order.model)(
            photo,
            palette.styles,
            **self._places(order, palette.weights, strength),
            color=color,
            stroke_scale=_scale_of_copy(scale, photo.size, own_size or photo.size),
        ).images[0]
        settings = Settings(
            paintings=palette.names,
            style_weights=palette.weights,
            strength=strength,
            color=color,
            stroke_scale=scale,
            region=order.region,
            width=photo.width,
            height=photo.height,
            model=order.model or EMBEDDED,
            strength_map=Path(order.strength_map).name if order.strength_map else None,
        )
        return result, settings

    def _encode_own(self, pipe: WatchedPipeline, title: str) -> Any:
        encoded = self._encoded.setdefault(pipe, {})
        if title not in encoded:
            encoded[title] = pipe.encode_style(painting_path(title))
        return encoded[title]

    def _places(self, order: Order, weights: Sequence[float], strength: float) -> dict[str, Any]:
        """Return the options that say which style goes where, and how strongly."""
        region = order.checked("region")
        fade = self._strength_map(order, strength)
        if region == EVERYWHERE:
            return {"strength": fade or strength, "style_weights": weights}
        if region == SPLIT and len(weights) < 2:
            raise VisitorError(
                "Choose a second painting: the first goes where you painted, the others elsewhere."
            )
        layers = self._layers(order)
        if region == EACH:
            masks = color_masks(layers, len(weights)) or _unpainted()
            return {"strength": fade or strength, "masks": masks}
        mask = region_mask(layers, inverted=region == UNPAINTED) or _unpainted()
        if region == SPLIT:
            return {"strength": fade or strength, "masks": split_by(mask, weights)}
        there = multiplied(mask, fade) if fade else scaled_by(mask, strength)
        return {"strength": there, "style_weights": weights}

    def painted(self, order: Order) -> Image.Image | None:
        """Return what was painted on the photo as one layer; None if no region is used."""
        if order.checked("region") == EVERYWHERE:
            return None
        first, *others = [layer.convert("RGBA") for layer in self._layers(order)] or _unpainted()
        for layer in others:
            first = Image.alpha_composite(first, layer.resize(first.size, Image.Resampling.NEAREST))
        return first

    def _layers(self, order: Order) -> list[Image.Image]:
        if len(order.layers) > _LAYERS:
            raise VisitorError(f"The region may have at most {_LAYERS} layers.")
        return [read_picture(path, "Region", self.limits, any_size=True) for path in order.layers]

    def _strength_map(self, order: Order, strength: float) -> Image.Image | None:
        if order.strength_map is None:
            return None
        picture = read_picture(order.strength_map, "Strength map", self.limits, any_size=True)
        return scaled_by(as_map(picture), strength)


def _scale_of_copy(scale: float, copy: tuple[int, int], photo: tuple[int, int]) -> float:
    """Return the stroke scale that gives a smaller copy the strokes of the photo.

    The pipeline takes a photo's short side, 512 px at most, as the measure of its strokes.
    """
    measures = [min(*size, _MEASURE) for size in (copy, photo)]
    return min(max(scale * measures[0] / measures[1], _NARROWEST), _WIDEST)


def _unpainted() -> NoReturn:
    raise VisitorError("Paint on the photo under “Region” first, or stylize the whole photo.")
