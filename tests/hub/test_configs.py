"""Config files of strangers: of wrong types, of absurd sizes, and no memory taken for them."""

from __future__ import annotations

import json
import re
import resource
from pathlib import Path
from typing import Any

import pytest

from stylekernel_hf import StyleKernelDiffusionModel, StyleKernelModel, StyleKernelPipeline
from stylekernel_hf.hub.configs import MAX_JSON_BYTES
from tests.hub.hub_server import HubServer
from tests.loaders import LOADERS
from tests.tiny import tiny_model

REPO = "painter/bomb"
# Every value lies within its bounds, all of them together make 10^11 parameters.
LARGEST: dict[str, Any] = {
    **{f"{part}_channels": [4096] * 5 for part in ("encoder", "style", "decoder")},
    **{f"{part}_depths": [32] * 5 for part in ("encoder", "style", "decoder")},
    **{f"{part}_channels": 4096 for part in ("attention", "kernel", "code")},
    "dynamic_convolutions": [8] * 5,
    "decoder_blocks": 32,
    "kernel_groups": 4096,
    "kernel_size": 7,
}
# A thousand times less, so that only the weights' file tells that it does not fit.
LARGE: dict[str, Any] = {"code_channels": 2048, "attention_channels": 4096}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    StyleKernelPipeline(tiny_model()).save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


def edit(folder: Path, **changes: Any) -> Path:
    path = folder / "model" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return path


def memory_in_use() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("place", ["folder", "hub"])
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"encoder_depths": [1, 1, 3_000_000]}, "encoder_depths"),
        ({"decoder_blocks": 10**9}, "decoder_blocks"),
        ({"style_channels": [2**31, 8, 8, 8]}, "style_channels"),
        ({"max_style_tokens": 10**12}, "max_style_tokens"),
        (LARGEST, "network of at most 268435456 parameters"),
        (LARGE, "must have shape"),
    ],
)
def test_bomb_is_refused_before_it_takes_memory(
    hub: HubServer, folder: Path, loader: str, place: str, changes: dict[str, Any], named: str
) -> None:
    edit(folder, **changes)
    files = (path for path in folder.rglob("*") if path.is_file())
    hub.add(REPO, {path.relative_to(folder).as_posix(): path.read_bytes() for path in files})
    before = memory_in_use()
    with pytest.raises(ValueError, match=named):
        LOADERS[loader](str(folder) if place == "folder" else REPO)
    assert memory_in_use() - before < 100 * 2**20


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_pooling", "no"),
        ("max_pooling", [1]),
        ("gating", 0),
        ("channel_shuffle", None),
        ("max_style_tokens", None),
        ("max_style_tokens", -1),
        ("kernel_size", 4),
        ("kernel_size", float("nan")),
        ("decoder_channels", {}),
        ("decoder_channels", "abc"),
        ("encoder_channels", [[4], [8], [8]]),
        ("_format_version", True),
        ("_format_version", [1]),
        ("_class_name", ["StyleKernelModel"] * 1000),
    ],
)
@pytest.mark.parametrize("network", [StyleKernelModel, StyleKernelDiffusionModel])
def test_value_of_a_wrong_type_is_named_with_its_file(
    folder: Path, key: str, value: object, network: type[StyleKernelModel]
) -> None:
    path = edit(folder, **{key: value})
    with pytest.raises(ValueError, match=re.escape(str(path))) as caught:
        network.from_pretrained(folder)
    assert key in str(caught.value) or key.startswith("_")


@pytest.mark.parametrize(
    "text",
    ["[" * 500_000, '{"a":' * 100_000, '{"kernel_size": 1' + "0" * 9999 + "}", "[]", "null", ""]
    + ["\ufeff{}", '{"a": 1} {'],
    ids=lambda text: repr(text[:10]),
)
@pytest.mark.parametrize("name", ["model/config.json", "model_index.json"])
def test_text_that_is_no_object_is_refused(folder: Path, text: str, name: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"model: '.*\.json' (is not valid JSON|must hold)"):
        StyleKernelModel.from_pretrained(folder)


@pytest.mark.parametrize("name", ["model/config.json", "model_index.json"])
def test_file_of_a_hundred_gigabytes_is_not_read(folder: Path, name: str) -> None:
    with (folder / name).open("r+b") as file:
        file.truncate(10**11)
    before = memory_in_use()
    with pytest.raises(ValueError, match=f"{name}' must have at most {MAX_JSON_BYTES} bytes"):
        StyleKernelModel.from_pretrained(folder)
    assert memory_in_use() - before < 50 * 2**20


def test_error_shows_little_of_a_long_config(folder: Path) -> None:
    edit(folder, **{f"key_{number}": number for number in range(20_000)})
    with pytest.raises(ValueError, match="unknown config keys") as caught:
        StyleKernelModel.from_pretrained(folder)
    assert len(str(caught.value)) < 1000
