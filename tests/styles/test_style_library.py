"""Styles in files: alone and by name, of one checkpoint and of another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from stylekernel_hf import StyleEmbedding, StyleKernelPipeline, StyleLibrary, pipeline
from tests.hub.hub_server import HubServer
from tests.tiny import save_picture, tiny_model

REPO = "painter/wave"


@pytest.fixture
def pipe() -> StyleKernelPipeline:
    return StyleKernelPipeline(tiny_model())


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return save_picture(tmp_path / "photo.png", seed=1)


@pytest.fixture
def paintings(tmp_path: Path) -> list[Path]:
    return [save_picture(tmp_path / f"painting{i}.png", seed=i) for i in (2, 3)]


def picture(pipe: StyleKernelPipeline, *inputs: object) -> np.ndarray:
    return pipe(*inputs, output_type="np").images[0]  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["loaded", "path", "str", "hub"])
def test_saved_style_does_without_the_painting(
    hub: HubServer, pipe: StyleKernelPipeline, photo: Path, paintings: list[Path], form: str
) -> None:
    expected = picture(pipe, photo, paintings[0])
    style, path = pipe.encode_style(paintings[0]), photo.with_name("wave.safetensors")
    style.save(path)
    paintings[0].unlink()
    assert path.stat().st_size < 10_000
    if form == "hub":
        style.push_to_hub(REPO)
    forms = {"loaded": StyleEmbedding.load(path), "path": path, "str": str(path)}
    saved = StyleEmbedding.from_pretrained(REPO) if form == "hub" else forms[form]
    fresh = StyleKernelPipeline(tiny_model())
    assert np.array_equal(expected, picture(fresh, photo, saved))


def test_library_gives_styles_by_name_and_one_per_content(
    hub: HubServer, pipe: StyleKernelPipeline, photo: Path, paintings: list[Path]
) -> None:
    library = StyleLibrary(
        {name: pipe.encode_style(p) for name, p in zip(("sea", "Über uns"), paintings, strict=True)}
    )
    library.save(photo.with_name("both.safetensors"))
    library.push_to_hub(REPO)
    expected = [picture(pipe, photo, painting) for painting in paintings]
    for loaded in (
        StyleLibrary.load(photo.with_name("both.safetensors")),
        StyleLibrary.from_pretrained(REPO),
    ):
        assert list(loaded) == ["sea", "Über uns"]
        assert np.array_equal(picture(pipe, photo, loaded["Über uns"]), expected[1])
        images = pipe([photo, photo], loaded, output_type="np").images
        assert all(np.array_equal(a, b) for a, b in zip(images, expected, strict=True))
    with pytest.raises(ValueError, match=r"holds 2 styles \(sea, Über uns\)"):
        StyleEmbedding.from_pretrained(REPO)
    with pytest.raises(KeyError, match="no style 'lake'; there are sea, Über uns"):
        library["lake"]


def test_another_checkpoint_refuses_a_style_by_name(
    photo: Path, paintings: list[Path], tmp_path: Path
) -> None:
    for seed in (0, 1):
        tiny_model(seed).save_pretrained(tmp_path / f"seed-{seed}")
    one, other = (StyleKernelPipeline.from_pretrained(tmp_path / f"seed-{i}") for i in (0, 1))
    one.encode_style(paintings[0]).save(tmp_path / "wave.safetensors")
    message = "style was encoded by another checkpoint, 'seed-0', and this is 'seed-1'"
    with pytest.raises(ValueError, match=message):
        other(photo, tmp_path / "wave.safetensors")
    assert str(tmp_path).encode() not in (tmp_path / "wave.safetensors").read_bytes()


def test_style_is_refused_once_the_weights_are_trained_on(
    pipe: StyleKernelPipeline, photo: Path, paintings: list[Path]
) -> None:
    style = pipe.encode_style(paintings[0])
    pipe(photo, style)
    with torch.no_grad():
        for parameter in pipe.model.style_encoder.parameters():
            parameter += 0.02 * parameter.abs().mean() * torch.randn_like(parameter)
    with pytest.raises(ValueError, match="encoded by another checkpoint"):
        pipe(photo, style)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_same_checkpoint_in_another_precision_takes_the_style(
    photo: Path, paintings: list[Path], tmp_path: Path, dtype: torch.dtype
) -> None:
    model = tiny_model()
    model.save_pretrained(tmp_path / "float32")
    model.to(dtype).save_pretrained(tmp_path / "rounded")
    pipe = StyleKernelPipeline.from_pretrained(tmp_path / "float32")
    rounded = StyleKernelPipeline.from_pretrained(tmp_path / "rounded", dtype=dtype)
    for one, other in ((pipe, rounded), (rounded, pipe)):
        style = one.encode_style(paintings[0])
        assert style.checkpoint is not None
        assert style.checkpoint.id == model.checkpoint_id
        assert other.encode_style(style).key.dtype == other.dtype
        assert other(photo, style).images[0].size == (48, 40)


def test_embedded_checkpoint_in_bfloat16_takes_the_style(paintings: list[Path]) -> None:
    style = pipeline("style-kernel", device="cpu").encode_style(paintings[0])
    rounded = pipeline("style-kernel", device="cpu", dtype=torch.bfloat16)
    assert torch.equal(rounded.encode_style(style).code, style.code.bfloat16())
    assert style.checkpoint is not None and style.checkpoint.name == "the weights in stylekernel_hf"


def test_styles_of_two_checkpoints_make_no_library(paintings: list[Path]) -> None:
    one, two = (StyleKernelPipeline(tiny_model(seed)).encode_style(paintings[0]) for seed in (0, 1))
    with pytest.raises(ValueError, match="styles must be of one checkpoint, but 'a' is of"):
        StyleLibrary({"a": one, "b": two})
    with pytest.raises(ValueError, match="and 'b' of an unknown one"):
        StyleLibrary({"a": one, "b": replace(one, checkpoint=None)})


@pytest.mark.parametrize("name", ["", "a/b", "a\nb"])
def test_name_that_no_file_can_hold_is_refused(
    pipe: StyleKernelPipeline, paintings: list[Path], name: str
) -> None:
    with pytest.raises(ValueError, match="names without slashes or breaks"):
        StyleLibrary({name: pipe.encode_style(paintings[0])})


def test_empty_library_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one style, got none"):
        StyleLibrary({})


def test_file_that_is_no_style_is_refused(pipe: StyleKernelPipeline, tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    save_file({"key": torch.zeros(1)}, weights)
    (tmp_path / "text.safetensors").write_text("not safetensors")
    for name, message in (("weights", "holds no styles"), ("text", "must be a safetensors file")):
        with pytest.raises(ValueError, match=message):
            StyleEmbedding.load(tmp_path / f"{name}.safetensors")
    with pytest.raises(FileNotFoundError, match="style: no such file"):
        pipe.encode_style(tmp_path / "nowhere.safetensors")
    with pytest.raises(FileNotFoundError, match=r"style: no styles\.safetensors in"):
        StyleEmbedding.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": "2"}, "format version 2"),
        ({"names": "["}, "metadata of .* are damaged"),
        ({"names": '["other"]'}, "lacks tensors or has surplus ones: other/code"),
        ({"checkpoint": '{"name": "x"}'}, "the checkpoint in the metadata of .* is damaged"),
    ],
)
def test_damaged_file_is_refused(
    pipe: StyleKernelPipeline,
    paintings: list[Path],
    tmp_path: Path,
    change: dict[str, str],
    message: str,
) -> None:
    path = tmp_path / "wave.safetensors"
    pipe.encode_style(paintings[0]).save(path)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(tensors, path, metadata={**metadata, **change})
    with pytest.raises(ValueError, match=message):
        StyleEmbedding.load(path)


def test_path_of_another_kind_is_refused(pipe: StyleKernelPipeline, paintings: list[Path]) -> None:
    with pytest.raises(ValueError, match=r"path must end in \.safetensors, got .*wave\.pt"):
        pipe.encode_style(paintings[0]).save(paintings[0].with_name("wave.pt"))


def test_card_of_a_style_names_its_checkpoint(
    hub: HubServer, paintings: list[Path], tmp_path: Path
) -> None:
    tiny_model().push_to_hub("painter/base")
    pipe = StyleKernelPipeline.from_pretrained("painter/base")
    pipe.encode_style(paintings[0]).push_to_hub(REPO)
    card = hub.files(REPO)["README.md"].decode()
    assert "base_model: painter/base" in card
    assert f'StyleEmbedding.from_pretrained("{REPO}")' in card
