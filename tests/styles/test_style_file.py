"""Style files of strangers: whatever is wrong with one is said with its name when it is read."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from stylekernel_hf import StyleEmbedding, StyleKernelPipeline, StyleLibrary, stylize_file
from stylekernel_hf.cli.bulk import run_jobs
from stylekernel_hf.cli.jobs import plan_jobs
from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.pretrained.model import StyleKernelModel
from tests.hub.hub_server import HubServer
from tests.tiny import TINY_CONFIG, save_picture, tiny_model

PARTS = ("key", "value", "code")


@pytest.fixture
def pipe() -> StyleKernelPipeline:
    return StyleKernelPipeline(tiny_model())


@pytest.fixture
def style(pipe: StyleKernelPipeline, tmp_path: Path) -> StyleEmbedding:
    return pipe.encode_style(save_picture(tmp_path / "painting.png", seed=1))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return save_picture(tmp_path / "photo.png")


@pytest.fixture
def path(style: StyleEmbedding, tmp_path: Path) -> Path:
    style.save(tmp_path / "wave.safetensors")
    return tmp_path / "wave.safetensors"


def rewrite(
    path: Path, tensors: Mapping[str, Tensor] = {}, metadata: Mapping[str, str] = {}
) -> None:
    with safe_open(path, "pt") as file:
        old = file.metadata()
        kept = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file({**kept, **tensors}, path, {**old, **metadata})


def with_part(style: StyleEmbedding, part: str, value: Any) -> StyleEmbedding:
    """Return a style as anybody can make it, but for the tests' own type checks."""
    made = replace(style)
    object.__setattr__(made, part, value)
    return made


def ways_in(pipe: StyleKernelPipeline, photo: Path, path: Path) -> dict[str, Callable[[], object]]:
    return {
        "call": lambda: pipe(photo, path),
        "call with a str": lambda: pipe(photo, str(path)),
        "mix": lambda: pipe(photo, [path, path], style_weights=[1, 1]),
        "encode_style": lambda: pipe.encode_style(path),
        "StyleEmbedding.load": lambda: StyleEmbedding.load(path),
        "StyleLibrary.load": lambda: StyleLibrary.load(path),
    }


def check_refused(pipe: StyleKernelPipeline, photo: Path, path: Path, message: str) -> None:
    for name, way in ways_in(pipe, photo, path).items():
        with pytest.raises(ValueError, match=message) as caught:
            way()
        assert path.name in str(caught.value), name
        assert len(str(caught.value)) < 1000, name
    (outcome,) = run_jobs(pipe, plan_jobs([photo], [path], path.parent / "out"))
    assert outcome.status == "failed" and path.name in outcome.error


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_number_that_is_not_finite_is_refused(
    pipe: StyleKernelPipeline,
    photo: Path,
    path: Path,
    style: StyleEmbedding,
    part: str,
    number: float,
    dtype: torch.dtype,
) -> None:
    tensor = getattr(style, part).clone().to(dtype)
    tensor.view(-1)[-1] = number
    rewrite(path, {f"style/{part}": tensor})
    check_refused(pipe, photo, path, rf"style/{part} in .* must hold finite numbers")


def test_number_that_the_network_cannot_hold_is_refused(
    pipe: StyleKernelPipeline, photo: Path, path: Path, style: StyleEmbedding
) -> None:
    rewrite(path, {"style/code": torch.full_like(style.code, 1e5)})
    half = StyleKernelPipeline(copy.deepcopy(pipe.model).half())
    with pytest.raises(ValueError, match=r"code must hold .* torch\.float16 .*wave\.safetensors"):
        half(photo, path)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "dtype", [torch.int8, torch.int64, torch.bool, torch.complex64, torch.float8_e4m3fn]
)
def test_tensor_that_is_not_of_floating_point_is_refused(
    pipe: StyleKernelPipeline,
    photo: Path,
    path: Path,
    style: StyleEmbedding,
    part: str,
    dtype: torch.dtype,
) -> None:
    rewrite(path, {f"style/{part}": getattr(style, part).to(dtype)})
    check_refused(pipe, photo, path, rf"style/{part} in .* must be of floating point, got")


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("value", lambda x: x[:, :-1]),
        ("key", lambda x: x[:, 1:]),
        ("key", lambda x: x.repeat(2, 1, 1)),
        ("value", lambda x: x[:0]),
        ("key", lambda x: x[:, :0]),
        ("value", lambda x: x[..., :0]),
        ("key", lambda x: x[0]),
        ("value", lambda x: x[None]),
        ("code", lambda x: x[0]),
        ("code", lambda x: x.repeat(3, 1)),
        ("code", lambda x: x[:, :0]),
        ("code", lambda x: x[:, None]),
        ("code", lambda x: x.sum()),
        ("key", lambda x: x.new_zeros(1, 5000, x.shape[2])),
    ],
)
def test_parts_that_do_not_go_together_are_refused(
    pipe: StyleKernelPipeline,
    photo: Path,
    path: Path,
    style: StyleEmbedding,
    part: str,
    change: Callable[[Tensor], Tensor],
) -> None:
    wrong = change(getattr(style, part)).contiguous()
    rewrite(path, {f"style/{part}": wrong.clone()})
    check_refused(pipe, photo, path, "must have a (key|value|code)|must have a value for every")
    # The same style made in Python is refused as well, wherever it is given.
    made = with_part(style, part, wrong)
    for way in (
        lambda: pipe(photo, made),
        lambda: pipe([photo, photo], [style, made]),
        lambda: pipe.encode_style(made),
        lambda: StyleLibrary({"one": made}),
        lambda: made.save(path.with_name("made.safetensors")),
    ):
        with pytest.raises(ValueError, match=r"^style.* must have a "):
            way()
    assert not path.with_name("made.safetensors").exists()


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda x: x * float("nan"), ValueError),
        (lambda x: x.long(), TypeError),
        (lambda x: x.numpy(), TypeError),
        (lambda _: None, TypeError),
    ],
)
def test_style_of_wrong_numbers_made_in_python_is_refused(
    pipe: StyleKernelPipeline,
    photo: Path,
    style: StyleEmbedding,
    part: str,
    change: Callable[[Tensor], Any],
    error: type[Exception],
) -> None:
    made = with_part(style, part, change(getattr(style, part)))
    for way in (
        lambda: pipe(photo, made),
        lambda: pipe(photo, [style, made], style_weights=[1, 0]),
        lambda: StyleLibrary({"one": style, "two": made}),
        lambda: made.save(photo.with_name("made.safetensors")),
    ):
        with pytest.raises(error, match=rf"^style.*{part}"):
            way()


@pytest.mark.parametrize("wrong", ["a name", {"name": "x"}, 3])
def test_style_whose_checkpoint_is_none_is_refused(
    pipe: StyleKernelPipeline, photo: Path, style: StyleEmbedding, wrong: Any
) -> None:
    with pytest.raises(TypeError, match="^style must have the checkpoint of an encoded style"):
        pipe(photo, with_part(style, "checkpoint", wrong))


@pytest.mark.parametrize("part", PARTS)
def test_style_of_a_network_of_another_width_is_refused_with_its_file(
    pipe: StyleKernelPipeline, photo: Path, path: Path, style: StyleEmbedding, part: str
) -> None:
    wider = {"key": "attention_channels", "code": "code_channels"}
    change: dict[str, Any] = {wider.get(part, "style_channels"): 12}
    if part == "value":
        change = {"style_channels": (4, 8, 12, 8)}
    other = StyleKernelPipeline(StyleKernelModel(StyleKernelConfig(**TINY_CONFIG | change)).eval())
    rewrite(path, metadata={"checkpoint": "null"})
    for way in (lambda: other(photo, path), lambda: other.encode_style(path)):
        with pytest.raises(ValueError, match=r"by another checkpoint: .* wide.*wave\.safetensors"):
            way()


def test_one_style_may_have_two_names(path: Path, style: StyleEmbedding) -> None:
    StyleLibrary({"one": style, "two": style}).save(path)
    one, two = StyleLibrary.load(path).values()
    assert torch.equal(one.key, style.key) and torch.equal(two.key, style.key)


def test_styles_of_two_widths_make_no_library(path: Path, style: StyleEmbedding) -> None:
    other = replace(style, code=torch.zeros(1, style.code.shape[1] + 1))
    with pytest.raises(ValueError, match="styles must be of one checkpoint, got keys"):
        StyleLibrary({"one": style, "two": other})
    both = {"one": style, "two": style}
    StyleLibrary(both).save(path)
    rewrite(path, {"two/code": other.code})
    with pytest.raises(ValueError, match=r"wave\.safetensors' must hold styles of one checkpoint"):
        StyleLibrary.load(path)


@pytest.mark.parametrize("wrong", [None, "wave.png", torch.zeros(3, 16, 16), {}])
def test_library_of_what_is_not_encoded_is_refused(style: StyleEmbedding, wrong: Any) -> None:
    with pytest.raises(TypeError, match="styles must be encoded, got .* for 'two'"):
        StyleLibrary({"one": style, "two": wrong})


@pytest.mark.parametrize(
    "metadata",
    [
        {"names": "{}"},
        {"names": "[]"},
        {"names": '"style"'},
        {"names": "[1]"},
        {"names": "[null]"},
        {"names": '["style", "style"]'},
        {"names": '["a/b"]'},
        {"names": "[" * 100_000},
        {"names": '["\\ud800"]'},
        {"format_version": "0"},
        {"format_version": "one"},
        {"format_version": "9" * 5000},
        {"checkpoint": "[]"},
        {"checkpoint": "0"},
        {"checkpoint": '""'},
        {"checkpoint": "{}"},
        {"checkpoint": "[" * 100_000},
        {"checkpoint": json.dumps({"name": 3, "id": "0" * 16})},
        {"checkpoint": json.dumps({"name": "x" * 999, "id": "0" * 16})},
        {"checkpoint": json.dumps({"name": "x", "id": 7})},
        {"checkpoint": json.dumps({"name": "x", "id": ""})},
        {"checkpoint": json.dumps({"name": "x", "id": "0" * 17})},
        {"checkpoint": json.dumps({"name": "x", "id": "Z" * 16})},
        {"checkpoint": json.dumps({"name": "x", "id": ["0" * 16]})},
    ],
    ids=lambda metadata: repr(metadata)[:60],
)
def test_damaged_metadata_are_refused(
    pipe: StyleKernelPipeline, photo: Path, path: Path, metadata: dict[str, str]
) -> None:
    rewrite(path, metadata=metadata)
    check_refused(pipe, photo, path, "damaged|lacks tensors|format version")


def test_tensors_that_are_missing_or_surplus_are_named(
    pipe: StyleKernelPipeline, photo: Path, path: Path
) -> None:
    rewrite(path, {f"more/{number}": torch.zeros(1) for number in range(1000)})
    check_refused(pipe, photo, path, "has surplus ones: more/0, more/1, more/10$")


class Explosive:
    """Unpickling it would raise something that no test expects."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('a pickle was opened')",))


@pytest.mark.parametrize(
    "data",
    [pickle.dumps(Explosive()), b"", b"\x00" * 7, b"\x00" * 8, b"\xff" * 100, b"PK\x03\x04" * 20]
    + [(10).to_bytes(8, "little") + b"[[[[[[[[[["],
)
def test_file_of_another_kind_is_refused(
    pipe: StyleKernelPipeline, photo: Path, path: Path, data: bytes
) -> None:
    path.write_bytes(data)
    check_refused(pipe, photo, path, "style must be a safetensors file, but")


def test_file_of_a_terabyte_is_not_read(path: Path) -> None:
    header = {
        "__metadata__": {
            "kind": "stylekernel_hf styles",
            "format_version": "1",
            "names": '["style"]',
            "checkpoint": "null",
        },
        **{
            f"style/{part}": {
                "dtype": "F32",
                "shape": [1, 2**30, 64],
                "data_offsets": [number * 2**38, (number + 1) * 2**38],
            }
            for number, part in enumerate(PARTS)
        },
    }
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(ValueError, match="not fully covered"):
        StyleEmbedding.load(path)
    with path.open("r+b") as file:
        file.truncate(8 + len(text) + 3 * 2**38)
    with pytest.raises(ValueError, match=r"wave\.safetensors' must have at most \d+ bytes"):
        StyleEmbedding.load(path)


def test_what_a_stranger_pushed_is_checked_as_well(
    hub: HubServer, path: Path, style: StyleEmbedding
) -> None:
    rewrite(path, {"style/key": style.key * float("nan")})
    hub.add("stranger/wave", {"styles.safetensors": path.read_bytes()})
    for load in (StyleEmbedding.from_pretrained, StyleLibrary.from_pretrained):
        with pytest.raises(ValueError, match=r"style/key in .*styles\.safetensors' must hold fin"):
            load("stranger/wave")


def test_strips_check_the_style_before_any_work(
    pipe: StyleKernelPipeline, photo: Path, path: Path, style: StyleEmbedding
) -> None:
    rewrite(path, {"style/key": style.key * float("nan")})
    with pytest.raises(ValueError, match=r"style/key in .*wave\.safetensors' must hold finite"):
        stylize_file(pipe, photo, path, photo.with_name("out.png"))
    assert not photo.with_name("out.png").exists()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_style_in_another_precision_paints_as_before(
    pipe: StyleKernelPipeline, photo: Path, path: Path, style: StyleEmbedding, dtype: torch.dtype
) -> None:
    rewrite(path, {f"style/{part}": getattr(style, part).to(dtype) for part in PARTS})
    rounded = style.to(torch.device("cpu"), dtype)
    expected = pipe(photo, rounded, output_type="np").images[0]
    assert np.array_equal(pipe(photo, path, output_type="np").images[0], expected)


def test_loaded_style_does_not_change_with_its_file(path: Path, style: StyleEmbedding) -> None:
    loaded = StyleEmbedding.load(path)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.write(b"\xff" * size)
    assert torch.equal(loaded.key, style.key)
