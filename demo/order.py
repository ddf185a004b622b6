"""What a visitor orders: every control once, for the page, the endpoints and the tools."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from demo.messages import VisitorError
from demo.models import EMBEDDED
from demo.region import BRUSHES

EVERYWHERE, PAINTED, UNPAINTED = "everywhere", "painted", "unpainted"
SPLIT, EACH = "split", "each"


@dataclass(frozen=True)
class Control:
    """One control of the page, and one parameter of the endpoints.

    - words: what programs read about it, in one line: Gradio gives its tools no further ones.
    - label, info: what the page shows.
    - low, high, step: of a number.
    - choices: what the page calls a value, and the value; empty for a number.
    """

    words: str
    label: str = ""
    info: str | None = None
    low: float = 0.0
    high: float = 1.0
    step: float = 0.05
    choices: Sequence[tuple[str, Any]] = ()

    def check(self, value: Any) -> Any:
        """Return a value of the control; VisitorError for any other."""
        if self.choices:
            values = [choice for _, choice in self.choices]
            if value not in values:
                names = ", ".join(map(str, values))
                raise VisitorError(f"{self.label} must be one of {names}; got “{value}”.")
            return value
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not self.low <= value <= self.high:
            raise VisitorError(
                f"{self.label} must be a number from {self.low:g} to {self.high:g}; got {value}."
            )
        return float(value)


def _control(default: Any, words: str, **options: Any) -> Any:
    return field(default=default, metadata={"control": Control(words, **options)})


def _weight(place: str) -> Any:
    return _control(1.0, f"Share of the {place} painting, from 0 to 1.", label="Weights")


@dataclass(frozen=True)
class Order:
    """How to paint, or which point to explain, as a visitor says it.

    Each field is a control, with its default.
    """

    paintings: Sequence[str] | None = _control(
        (), 'Titles of the demo\'s own paintings, such as "Mosaic".'
    )
    own_paintings: Sequence[str] | None = _control(
        None, 'Further paintings, image files by name: "first", "second", "third", "fourth".'
    )
    weight_1: float = _weight("first")
    weight_2: float = _weight("second")
    weight_3: float = _weight("third")
    weight_4: float = _weight("fourth")
    strength: float = _control(
        1.0,
        "From 0, the photo itself, to 1, the full style.",
        label="Strength",
        info="0 is the photo, 1 the full style.",
    )
    color: str = _control(
        "style",
        'Whose colours: "style", the painting\'s; "luminance", the photo\'s in the painting\'s '
        'tones; "statistics", the photo\'s on average; "transfer", only the painting\'s colours.',
        label="Colours",
        choices=[
            ("The painting's", "style"),
            ("The photo's, in the painting's tones", "luminance"),
            ("The photo's, on average", "statistics"),
            ("Only the painting's colours", "transfer"),
        ],
    )
    stroke_scale: float = _control(
        1.0,
        "How wide strokes are in the picture, 0.5 to 4: 1 is usual, 2 twice as wide.",
        label="Stroke width",
        info="1 is usual, 2 twice as wide. The download has the same strokes.",
        low=0.5,
        high=4,
        step=0.1,
    )
    region: str = _control(
        EVERYWHERE,
        '"everywhere"; "painted" or "unpainted", there alone; "split", the first painting where '
        'the canvas was painted and the others elsewhere; "each", every painting where its own '
        f"colour is, in this order: {', '.join(BRUSHES)}.",
        label="Region",
        info="Paint on the photo below, then press Stylize the region.",
        choices=[
            ("The whole photo", EVERYWHERE),
            ("Only where I painted", PAINTED),
            ("Everywhere else", UNPAINTED),
            ("The first painting there, the others elsewhere", SPLIT),
            ("Each painting where its own colour is", EACH),
        ],
    )
    canvas: dict[str, Any] | None = _control(  # noqa: RUF009
        None,
        'What was painted on the photo: its "layer", an image that is transparent where nothing '
        "was painted.",
    )
    strength_map: str | None = _control(
        None,
        "An image by which the strength is multiplied: white 1, black 0.",
        label="Strength map",
    )
    model: str | None = _control(
        EMBEDDED,
        f'"{EMBEDDED}", or the id of a checkpoint on the Hugging Face Hub.',
        label="Model",
    )
    resolution: int = _control(
        768,
        "Longer side of a result in px at most: 512, 768, 1024 or 1536.",
        label="Resolution",
        info="The longer side; a smaller photo keeps its size.",
        choices=[("512 px", 512), ("768 px", 768), ("1024 px", 1024), ("1536 px", 1536)],
    )

    image_format: str = _control(
        "png",
        '"png", lossless, or "jpeg", a fifth as large.',
        label="File format",
        choices=[("JPEG", "jpeg"), ("PNG", "png")],
    )
    across: float = _control(
        0.5,
        "Place of the point from the left edge, 0, to the right one, 1.",
        label="Across",
        info="From the left.",
        step=0.001,
    )
    down: float = _control(
        0.5,
        "Place of the point from the upper edge, 0, to the lower one, 1.",
        label="Down",
        info="From the top.",
        step=0.001,
    )
    which: int = _control(
        1,
        "Which of the paintings is looked into, from 1; the demo's own come first.",
        label="Painting",
        choices=[(f"Painting {number}", number) for number in range(1, 5)],
    )

    @property
    def weights(self) -> tuple[float, ...]:
        """The weights of the paintings in their order, the demo's own first."""
        return self.weight_1, self.weight_2, self.weight_3, self.weight_4

    @property
    def layers(self) -> Sequence[str | bytes]:
        """Files, or their bytes, of what was painted on the photo."""
        return (self.canvas or {}).get("layers") or ()

    def checked(self, name: str) -> Any:
        """Return the value of a control; VisitorError for one that it cannot have."""
        return CONTROLS[name].check(getattr(self, name))


CONTROLS: dict[str, Control] = {each.name: each.metadata["control"] for each in fields(Order)}
DEFAULTS: dict[str, Any] = {each.name: each.default for each in fields(Order)}

Handler = Callable[..., Any]


def takes_order(*names: str, **defaults: Any) -> Callable[[Handler], Handler]:
    """Give a handler the named controls as parameters, in place of its parameter `order`.

    Gradio reads signatures and docstrings: both name the controls. `defaults` are further controls,
    with defaults of the handler's own.
    """

    def decorate(handler: Handler) -> Handler:
        signature = inspect.signature(handler)
        hints = Order.__annotations__
        controls = [
            inspect.Parameter(
                name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=defaults.get(name, DEFAULTS[name]),
                annotation=hints[name],
            )
            for name in (*names, *defaults)
        ]
        parameters = [
            each
            for name, parameter in signature.parameters.items()
            for each in (controls if name == "order" else [parameter])
        ]
        signature = signature.replace(parameters=parameters)

        @functools.wraps(handler)
        def ordered(*arguments: Any, **keywords: Any) -> Any:
            bound = signature.bind(*arguments, **keywords)
            bound.apply_defaults()
            values = bound.arguments
            order = Order(**{each.name: values.pop(each.name) for each in controls})
            return handler(**values, order=order)

        ordered.__signature__ = signature  # type: ignore[attr-defined]
        words = "".join(f"            {c.name}: {CONTROLS[c.name].words}\n" for c in controls)
        ordered.__doc__ = re.sub(r" *order: .*\n", lambda _: words, handler.__doc__ or "")
        return ordered

    return decorate
