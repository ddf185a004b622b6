"""Round trips through folders and the Hub, in every way that a repository is loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from huggingface_hub.errors import (
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from stylekernel_hf import (
    StyleEmbedding,
    StyleKernelDiffusionModel,
    StyleKernelDiffusionPipeline,
    StyleKernelModel,
    StyleKernelPipeline,
    StyleLibrary,
    pipeline,
)
from stylekernel_hf.devices.resolution import best_device, resolve_device_map
from stylekernel_hf.hub.sources import HubAccess, HubRepository
from tests.hub.hub_server import READ_TOKEN, HubServer, files_of
from tests.hub.hub_transport import Fault
from tests.loaders import LOADERS, weights_equal
from tests.tiny import save_picture, tiny_model

REPO = "painter/waves"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return save_picture(tmp_path / "photo.png", seed=1)


@pytest.fixture
def painting(tmp_path: Path) -> Path:
    return save_picture(tmp_path / "painting.png", seed=2)


def published(hub: HubServer, folder: Path, **options: Any) -> str:
    StyleKernelPipeline(tiny_model()).save_pretrained(folder, **options)
    return hub.add(REPO, files_of(folder))


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("place", ["folder", "hub"])
def test_pipeline_comes_back_bit_equal(
    hub: HubServer, tmp_path: Path, photo: Path, painting: Path, loader: str, place: str
) -> None:
    pipe = StyleKernelPipeline(tiny_model())
    published(hub, tmp_path / "saved")
    loaded = LOADERS[loader](str(tmp_path / "saved") if place == "folder" else REPO)
    of_diffusers = StyleKernelDiffusionPipeline, StyleKernelDiffusionModel
    package = StyleKernelPipeline, StyleKernelModel
    types = of_diffusers if loader == "diffusers" else package
    assert (type(loaded), type(loaded.model)) == types
    expected, actual = (p(photo, painting, output_type="np").images[0] for p in (pipe, loaded))
    assert np.array_equal(expected, actual)


@pytest.mark.parametrize("loader", LOADERS)
def test_variant_and_dtype_are_honoured(hub: HubServer, tmp_path: Path, loader: str) -> None:
    half = StyleKernelPipeline(tiny_model(seed=5).half())
    published(hub, tmp_path / "saved")
    half.save_pretrained(tmp_path / "saved", variant="fp16")
    hub.add(REPO, files_of(tmp_path / "saved"))
    loaded = LOADERS[loader](REPO, variant="fp16", dtype=torch.float16)
    assert loaded.dtype == torch.float16
    assert weights_equal(loaded.model, half.model)
    assert hub.requests("GET", "resolve/.*/model/diffusion_pytorch_model.safetensors") == 0


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("variant", [None, "fp16"])
def test_shards_come_back_bit_equal(
    hub: HubServer, tmp_path: Path, loader: str, variant: str | None
) -> None:
    published(hub, tmp_path / "saved", max_shard_size="10KB", variant=variant)
    assert len(list((tmp_path / "saved" / "model").glob("*-of-*.safetensors"))) > 1
    options = {"variant": variant} if variant else {}
    for place in (str(tmp_path / "saved"), REPO):
        assert weights_equal(LOADERS[loader](place, **options).model, tiny_model())


def test_model_alone_comes_back_bit_equal(hub: HubServer, tmp_path: Path) -> None:
    tiny_model().save_pretrained(tmp_path / "flat")
    hub.add(REPO, files_of(tmp_path / "flat"))
    for place in (tmp_path / "flat", REPO):
        loaded = StyleKernelModel.from_pretrained(place)
        assert weights_equal(loaded, tiny_model()) and not loaded.training


@pytest.mark.parametrize("loader", LOADERS)
def test_revision_is_loaded(hub: HubServer, tmp_path: Path, loader: str) -> None:
    first = published(hub, tmp_path / "saved")
    StyleKernelPipeline(tiny_model(seed=9)).save_pretrained(tmp_path / "saved")
    hub.add(REPO, files_of(tmp_path / "saved"))
    assert weights_equal(LOADERS[loader](REPO, revision=first).model, tiny_model())
    assert weights_equal(LOADERS[loader](REPO).model, tiny_model(seed=9))


def test_revision_that_does_not_exist_is_named(hub: HubServer, tmp_path: Path) -> None:
    published(hub, tmp_path / "saved")
    with pytest.raises(RevisionNotFoundError, match=r"revision: 'painter/waves' .* no 'v7'"):
        StyleKernelPipeline.from_pretrained(REPO, revision="v7")


def test_repository_that_does_not_exist_is_named(hub: HubServer) -> None:
    with pytest.raises(RepositoryNotFoundError, match="no repository .* 'painter/nothing'"):
        pipeline("style-kernel", model="painter/nothing")


def test_private_repository_needs_a_token(hub: HubServer, tmp_path: Path) -> None:
    tiny_model().save_repository(tmp_path / "saved")
    hub.add(REPO, files_of(tmp_path / "saved"), private=True)
    # Of its own, as huggingface_hub falls back to what is in the cache.
    cache = tmp_path / "cache"
    with pytest.raises(RepositoryNotFoundError, match="for a private one give token="):
        StyleKernelModel.from_pretrained(REPO, token=False, cache_dir=cache)
    with pytest.raises(HfHubHTTPError, match="401"):
        StyleKernelModel.from_pretrained(REPO, token="hf_wrong", cache_dir=cache)
    assert weights_equal(StyleKernelModel.from_pretrained(REPO, token=READ_TOKEN), tiny_model())


def test_cache_serves_when_nothing_may_be_downloaded(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(hub, tmp_path / "saved")
    cache = tmp_path / "cache"
    advice = r"no config\.json in the cached part of .*; load it once online"
    with pytest.raises(FileNotFoundError, match=advice):
        StyleKernelPipeline.from_pretrained(REPO, cache_dir=cache, local_files_only=True)
    StyleKernelPipeline.from_pretrained(REPO, cache_dir=cache)
    assert (cache / "models--painter--waves").is_dir()
    hub.log.clear()
    for offline in (False, True):
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
        pipe = StyleKernelPipeline.from_pretrained(
            REPO, cache_dir=cache, local_files_only=not offline
        )
        assert weights_equal(pipe.model, tiny_model())
    assert hub.log == []


def test_hub_that_is_down_is_told_from_a_missing_file(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    published(hub, tmp_path / "saved")
    hub.faults.append(Fault("HEAD", "resolve", status=500, times=99))
    with pytest.raises(LocalEntryNotFoundError, match="neither be reached nor found in the cache"):
        StyleKernelModel.from_pretrained(REPO, cache_dir=tmp_path / "cache")


def test_interrupted_download_goes_on_where_it_broke_off(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What has arrived of a chunk that is not whole is asked for again.
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1024)
    published(hub, tmp_path / "saved")
    hub.faults.append(Fault("GET", "/cdn/"))
    loaded = StyleKernelModel.from_pretrained(REPO, cache_dir=tmp_path / "cache")
    assert weights_equal(loaded, tiny_model())
    assert hub.requests("GET", "/cdn/") == 2
    half = len(hub.files(REPO)["model/diffusion_pytorch_model.safetensors"]) // 2
    assert hub.requests("RANGE", rf"\?{half // 1024 * 1024}$") == 1


def test_download_that_failed_leaves_a_cache_that_the_next_one_completes(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    published(hub, tmp_path / "saved")
    hub.faults.append(Fault("GET", "/cdn/", status=503, times=99))
    with pytest.raises(OSError, match="503"):
        StyleKernelModel.from_pretrained(REPO, cache_dir=tmp_path / "cache")
    hub.faults.clear()
    loaded = StyleKernelModel.from_pretrained(REPO, cache_dir=tmp_path / "cache")
    assert weights_equal(loaded, tiny_model())


def test_files_come_from_one_commit(hub: HubServer, tmp_path: Path) -> None:
    first = published(hub, tmp_path / "saved")
    hub.repositories[REPO].refs["moving"] = first
    source = HubRepository(REPO, HubAccess(revision="moving"), "model")
    config = source.find("model/config.json")
    hub.repositories[REPO].refs["moving"] = hub.add(REPO, {"other.txt": b""})
    weights = source.find("model/diffusion_pytorch_model.safetensors")
    assert config is not None and weights is not None and config.parent == weights.parent


@pytest.mark.parametrize("device_map", ["cpu", torch.device("cpu"), {"": "cpu"}, None])
def test_device_map_places_the_network(tmp_path: Path, device_map: Any) -> None:
    tiny_model().save_pretrained(tmp_path / "flat")
    loaded = StyleKernelModel.from_pretrained(tmp_path / "flat", device_map=device_map)
    assert loaded.device.type == "cpu"


def test_device_map_of_parts_is_refused(tmp_path: Path) -> None:
    tiny_model().save_pretrained(tmp_path / "flat")
    with pytest.raises(ValueError, match="device_map must be"):
        StyleKernelModel.from_pretrained(tmp_path / "flat", device_map={"decoder": "cpu"})
    with pytest.raises(ValueError, match="device_map must be a device .* got 'nonsense'"):
        StyleKernelModel.from_pretrained(tmp_path / "flat", device_map="nonsense")


def test_automatic_device_is_the_best_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for cuda, mps, expected in ((True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda cuda=cuda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda mps=mps: mps)
        assert resolve_device_map("auto").type == best_device().type == expected


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"dtype": torch.int8}, ValueError, r"dtype must be .* got torch\.int8"),
        ({"dtype": torch.float8_e4m3fn}, ValueError, r"dtype must be .* got torch\.float8_e4m3fn"),
        ({"dtype": "float32"}, ValueError, r"dtype must be .* got 'float32'"),
        ({"subfolders": "x"}, TypeError, "unexpected keyword argument 'subfolders'"),
        ({"variant": "../fp16"}, ValueError, "variant must be letters and digits"),
        ({"variant": "fp16"}, FileNotFoundError, r"no diffusion_pytorch_model\.fp16\.safetens"),
    ],
)
def test_option_that_cannot_be_met_is_refused(
    tmp_path: Path, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    tiny_model().save_pretrained(tmp_path / "flat")
    with pytest.raises(error, match=message):
        StyleKernelModel.from_pretrained(tmp_path / "flat", **options)


UNKNOWN_OPTION: dict[str, Callable[[], object]] = {
    "model": lambda: StyleKernelModel.from_pretrained(REPO, colour="red"),  # type: ignore[call-arg]
    "pipeline class": lambda: StyleKernelPipeline.from_pretrained(REPO, colour="red"),  # type: ignore[call-arg]
    "task": lambda: pipeline("style-kernel", colour="red"),  # type: ignore[call-arg]
    "style": lambda: StyleEmbedding.from_pretrained(REPO, colour="red"),  # type: ignore[call-arg]
    "styles": lambda: StyleLibrary.from_pretrained(REPO, colour="red"),  # type: ignore[call-arg]
    "push": lambda: StyleKernelPipeline(tiny_model()).push_to_hub(REPO, colour="red"),  # type: ignore[call-arg]
    "save": lambda: StyleKernelPipeline(tiny_model()).save_pretrained("x", colour="red"),  # type: ignore[call-arg]
}


@pytest.mark.parametrize("way", UNKNOWN_OPTION)
def test_unknown_option_is_refused_before_any_work(hub: HubServer, way: str) -> None:
    hub.log.clear()
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        UNKNOWN_OPTION[way]()
    assert hub.log == [] and not Path("x").exists()


def test_missing_variant_lists_those_there(tmp_path: Path) -> None:
    tiny_model().save_pretrained(tmp_path / "flat", variant="fp16")
    with pytest.raises(FileNotFoundError, match="variants there: fp16"):
        StyleKernelModel.from_pretrained(tmp_path / "flat")


def test_saved_config_tells_no_path(tmp_path: Path) -> None:
    tiny_model().save_pretrained(tmp_path / "one")
    StyleKernelModel.from_pretrained(tmp_path / "one").save_pretrained(tmp_path / "two")
    assert str(tmp_path) not in (tmp_path / "two" / "config.json").read_text()
    assert json.loads((tmp_path / "two" / "config.json").read_text())["_format_version"] == 1


def test_model_is_not_saved_over_a_pipeline(tmp_path: Path) -> None:
    StyleKernelPipeline(tiny_model()).save_pretrained(tmp_path / "saved")
    with pytest.raises(ValueError, match="holds a pipeline"):
        tiny_model().save_pretrained(tmp_path / "saved")
