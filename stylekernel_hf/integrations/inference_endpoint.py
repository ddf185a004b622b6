"""The handler of Hugging Face's Inference Endpoints: a request in, a picture out."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from typing import Any, cast

from PIL import Image

from stylekernel_hf.errors.given_values import shown
from stylekernel_hf.images.bounds import Bounds
from stylekernel_hf.images.loading import read_image
from stylekernel_hf.pipelines.tasks import pipeline
from stylekernel_hf.styles.picture_size import MIN_SIDE, PALETTE_SIZE, style_bounds

MAX_FILE_BYTES = 32 * 2**20
"""Limit of each picture's file."""
MAX_PHOTO_PIXELS = 2**25
MAX_PAINTINGS = 8

_CONTROLS = ("strength", "style_weights", "color", "stroke_scale")
_FIELDS = ("photo", "painting", "masks", *_CONTROLS)


class EndpointHandler:
    """Answers the requests of an Inference Endpoint; the repository's `handler.py` provides it.

    Every repository that this package writes has a `handler.py`, which Hugging Face's inference
    toolkit looks for. The toolkit makes one handler of the repository's folder and calls it once
    for every request, one after another.

    Args:
        path: The folder of the repository.

    Example:
        >>> import base64
        >>> from pathlib import Path
        >>> from stylekernel_hf import EndpointHandler, pipeline
        >>> pipeline("style-kernel").save_pretrained("repository")
        >>> handler = EndpointHandler("repository")
        >>> def encoded(name):
        ...     return base64.b64encode(Path(name).read_bytes()).decode()
        >>> parameters = {"painting": encoded("painting.jpg"), "strength": 0.8}
        >>> image = handler({"inputs": encoded("photo.jpg"), "parameters": parameters})
        >>> image.save("stylized.png")
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.pipe = pipeline("style-kernel", model=path)

    def __call__(self, data: Mapping[str, Any]) -> Image.Image:
        """Stylize the photo of one request.

        Args:
            data: The request's body. `inputs` is the photo and `parameters` hold the rest; or
                `inputs` is an object with `photo` and any of the rest:

                - `painting`: one painting, or a list of up to 8.
                - `masks`: a list of one mask for each painting.
                - `strength`, `style_weights`, `color` and `stroke_scale`: as in a call of
                  `StyleKernelPipeline`. Several paintings without masks and weights are mixed in
                  equal parts.

                A picture is the base64 of an image file, which may begin as a data URL does, of
                up to 32 MiB. From Python, bytes of a file and PIL images will do. A photo has up
                to 32 megapixels. Names of files and addresses are refused.

        Returns:
            The stylized photo. The toolkit sends a PNG or JPEG file if the request accepts
            "image/png" or "image/jpeg", and base64 of a PNG file otherwise.

        Raises:
            ValueError: A field is missing, unknown, or has a value that it cannot have.
            TypeError: A field has a type that it cannot have. Messages name the field, and the
                toolkit answers with them and status 400.
        """
        # 1. Find the fields, and refuse unknown ones.
        fields = _read_fields(data)
        controls = {name: fields[name] for name in _CONTROLS if fields.get(name) is not None}
        if isinstance(strength := controls.get("strength"), str):
            raise TypeError(f"strength must be a number, got {shown(strength)}")

        # 2. Decode the pictures, each within its bounds.
        photo_bounds = Bounds(MAX_PHOTO_PIXELS, MIN_SIDE)
        photo = _read_picture(fields.get("photo"), "photo", photo_bounds)
        paintings = _read_pictures(fields.get("painting"), "painting", style_bounds(PALETTE_SIZE))
        if fields.get("masks") is not None:
            if not isinstance(fields["masks"], list):
                raise TypeError(f"masks must be a list of pictures, got {shown(fields['masks'])}")
            controls["masks"] = _read_pictures(fields["masks"], "masks", Bounds(MAX_PHOTO_PIXELS))
        elif len(paintings) > 1:
            controls.setdefault("style_weights", [1.0] * len(paintings))

        # 3. Stylize.
        return self.pipe(photo, paintings, **controls).images[0]


def _read_fields(data: object) -> dict[str, Any]:
    """Return the fields of a request's body by name, wherever in it they are."""
    if not isinstance(data, Mapping):
        raise TypeError(f"the request must be an object, got {shown(data)}")
    data = cast(Mapping[str, Any], data)
    _check_names(data, ("inputs", "parameters"), "the request")
    inputs, parameters = data.get("inputs"), data.get("parameters") or {}
    if not isinstance(inputs, Mapping):
        inputs = {"photo": inputs}
    if not isinstance(parameters, Mapping):
        raise TypeError(f"parameters must be an object, got {shown(parameters)}")
    given = [cast(Mapping[str, Any], part) for part in (inputs, parameters)]
    for part, where in zip(given, ("inputs", "parameters"), strict=True):
        _check_names(part, _FIELDS, where)
    if twice := given[0].keys() & given[1].keys():
        raise ValueError(f"{min(twice)} must be given once, got it in inputs and in parameters")
    return {**given[0], **given[1]}


def _check_names(part: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for name in part:
        if name not in known:
            raise ValueError(f"{where} must hold {', '.join(known)} only, got {shown(name)}")


def _read_pictures(values: object, name: str, bounds: Bounds) -> list[Image.Image]:
    several = cast("list[object]", values if isinstance(values, list) else [values])
    if not 1 <= len(several) <= MAX_PAINTINGS:
        raise ValueError(f"{name} must be 1 to {MAX_PAINTINGS} pictures, got {len(several)}")
    return [
        _read_picture(value, f"{name}[{index}]" if len(several) > 1 else name, bounds)
        for index, value in enumerate(several)
    ]


def _read_picture(value: object, name: str, bounds: Bounds) -> Image.Image:
    """Decode a picture of a request; what is no picture ends in an error that names the field."""
    if value is None:
        raise ValueError(f"{name} must be given: base64 of an image file")
    if isinstance(value, str):
        value = _decode(value, name)
    if isinstance(value, bytes):
        if len(value) > MAX_FILE_BYTES:
            raise ValueError(f"{name} must have at most {MAX_FILE_BYTES} bytes, got {len(value)}")
    elif not isinstance(value, Image.Image):
        raise TypeError(f"{name} must be base64 of an image file, got {shown(value)}")
    return read_image(value, name, bounds)


def _decode(text: str, name: str) -> bytes:
    # Base64 has four letters for three bytes, and some programs break its lines.
    if len(text) > 2 * MAX_FILE_BYTES:
        size = f"base64 of {len(text)} letters"
        raise ValueError(f"{name} must have at most {MAX_FILE_BYTES} bytes, got {size}")
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{name} must be base64 of an image file, got {shown(text)}") from None
