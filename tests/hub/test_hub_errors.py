"""A Hub that breaks off, answers nonsense or is not there, and what the cache does about it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from stylekernel_hf import StyleKernelModel, StyleKernelPipeline, StyleLibrary
from stylekernel_hf.cli import main
from tests.forks import NO_HUB, Forked
from tests.hub.hub_server import HubServer, files_of
from tests.hub.hub_transport import Fault
from tests.loaders import weights_equal
from tests.tiny import save_picture, tiny_model

REPO = "painter/waves"
PAGE = b"<html>Please log in to the network</html>"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


def publish(hub: HubServer, folder: Path, **options: Any) -> None:
    StyleKernelPipeline(tiny_model()).save_pretrained(folder, **options)
    hub.add(REPO, files_of(folder))


def pictures_in(folder: Path) -> list[str]:
    """Return the words of a command: a content, a style and where the result would go."""
    given = (save_picture(folder / f"{seed}.png", seed=seed) for seed in range(2))
    return [*map(str, given), "-o", str(folder / "painted.png")]


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Fault("GET", "/cdn/", reset=True), ConnectionError, "try again: ReadError"),
        (Fault("GET", "/cdn/"), ConnectionError, "try again"),
        (Fault("GET", "resolve/.*config", reset=True), ConnectionError, "try again"),
        (Fault("GET", "/cdn/", body=PAGE), ConnectionError, "should be of size"),
        (Fault("HEAD", "resolve", body=PAGE), LocalEntryNotFoundError, "is no Hub"),
        (Fault("HEAD", "model/config", body=PAGE), LocalEntryNotFoundError, "X-Repo-Commit"),
        (Fault("HEAD", "resolve", status=429), LocalEntryNotFoundError, "check the connection"),
        (Fault("HEAD", "model/config", status=503), LocalEntryNotFoundError, "503"),
        (Fault("GET", "/cdn/", status=403), HfHubHTTPError, "check the token"),
    ],
)
def test_broken_hub_is_an_error_that_names_the_repository(
    hub: HubServer, tmp_path: Path, fault: Fault, kind: type[Exception], words: str
) -> None:
    publish(hub, tmp_path / "saved")
    hub.faults.append(Fault(**{**vars(fault), "times": 99}))
    with pytest.raises(OSError, match=f"(?s)model: .*'{REPO}'.*{words}") as caught:
        StyleKernelModel.from_pretrained(REPO, cache_dir=tmp_path / "cache")
    assert isinstance(caught.value, kind) and caught.value.__cause__ is not None
    assert "\n" not in str(caught.value)
    hub.faults.clear()
    loaded = StyleKernelModel.from_pretrained(REPO, cache_dir=tmp_path / "cache")
    assert weights_equal(loaded, tiny_model())


@pytest.mark.parametrize("name", ["config.json", "diffusion_pytorch_model.safetensors"])
def test_flipped_bit_is_found_and_not_kept(hub: HubServer, tmp_path: Path, name: str) -> None:
    publish(hub, tmp_path / "saved")
    sent = bytearray(hub.files(REPO)[f"model/{name}"])
    sent[-9] ^= 1
    # The headers are asked for before, and are right.
    path = "/cdn/" if name.endswith(".safetensors") else "resolve/.*/model/config.json"
    hub.faults.append(Fault("GET", path, body=bytes(sent), times=99))
    for _ in range(2):
        with pytest.raises(ConnectionError, match=f"'{REPO}'.*{name} arrived damaged"):
            StyleKernelModel.from_pretrained(REPO, cache_dir=tmp_path / "cache")
    hub.faults.clear()
    loaded = StyleKernelModel.from_pretrained(REPO, cache_dir=tmp_path / "cache")
    assert weights_equal(loaded, tiny_model())


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "ftp://127.0.0.1"])
def test_wrong_address_of_the_hub_is_one_line(tmp_path: Path, endpoint: str) -> None:
    words = ["stylize", *pictures_in(tmp_path), "--model", REPO]
    environment = {"HF_ENDPOINT": endpoint, "HF_HUB_CACHE": str(tmp_path)}
    code = "from stylekernel_hf.cli import main; main()"
    with Forked(code, *words, env=environment, modules=NO_HUB) as ended:
        assert ended.wait(240) == 1
        errors = ended.errors()
    assert "Traceback" not in errors
    last = errors.splitlines()[-1]
    assert last.startswith("stylekernel: error: model: ") and REPO in last


def test_broken_connection_is_one_line_of_the_command(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(hub, tmp_path / "saved")
    hub.faults.append(Fault("GET", "/cdn/", reset=True, times=99))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    words = [*pictures_in(tmp_path), "--model", REPO]
    monkeypatch.setattr(sys, "argv", ["stylekernel", "stylize", *words])
    with pytest.raises(SystemExit, match=f"^stylekernel: error: model: .*'{REPO}'.* try again"):
        main()


def test_full_disk_of_the_cache_is_told_with_its_number(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    publish(hub, tmp_path / "saved")
    monkeypatch.setattr("huggingface_hub.file_download.http_get", full)
    with pytest.raises(
        OSError, match=f"'{REPO}' cannot be stored .*No space.* make room"
    ) as caught:
        StyleKernelModel.from_pretrained(REPO, cache_dir=tmp_path / "cache")
    assert caught.value.errno == 28


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("variant", [None, "fp16"])
@pytest.mark.parametrize("size", ["10KB", "5GB"])
def test_what_is_in_the_cache_loads_without_the_hub(
    hub: HubServer, tmp_path: Path, flat: bool, variant: str | None, size: str
) -> None:
    save = tiny_model().save_pretrained if flat else tiny_model().save_repository
    save(tmp_path / "saved", variant=variant, max_shard_size=size)
    commit = hub.add(REPO, files_of(tmp_path / "saved"))
    options: dict[str, Any] = {"variant": variant, "cache_dir": tmp_path / "cache"}
    StyleKernelModel.from_pretrained(REPO, **options)
    hub.faults.append(Fault("HEAD|GET", "", status=503, times=99))
    for revision in (None, commit):
        hub.log.clear()
        loaded = StyleKernelModel.from_pretrained(REPO, revision=revision, **options)
        assert weights_equal(loaded, tiny_model())
        assert len(hub.log) <= 2, "it must not ask again and again"


def test_cache_without_notes_of_missing_files_serves_too(hub: HubServer, tmp_path: Path) -> None:
    publish(hub, tmp_path / "saved", max_shard_size="10KB")
    StyleKernelModel.from_pretrained(REPO, cache_dir=tmp_path / "cache")
    for note in (tmp_path / "cache").rglob(".no_exist/**/*.safetensors"):
        note.unlink()
    hub.faults.append(Fault("HEAD|GET", "", status=503, times=99))
    loaded = StyleKernelModel.from_pretrained(REPO, cache_dir=tmp_path / "cache")
    assert weights_equal(loaded, tiny_model())


def test_what_is_missing_in_the_cache_is_the_hubs_fault(hub: HubServer, tmp_path: Path) -> None:
    publish(hub, tmp_path / "saved", max_shard_size="10KB")
    StyleKernelModel.from_pretrained(REPO, cache_dir=tmp_path / "cache")
    shards = sorted((tmp_path / "cache").rglob("snapshots/**/*-of-*.safetensors"))
    shards[1].unlink()
    hub.faults.append(Fault("HEAD|GET", "", status=503, times=99))
    with pytest.raises(LocalEntryNotFoundError, match=f"'{REPO}' can neither be reached nor"):
        StyleKernelModel.from_pretrained(REPO, cache_dir=tmp_path / "cache")


def test_known_commit_is_loaded_from_the_cache_without_a_request(
    hub: HubServer, tmp_path: Path
) -> None:
    publish(hub, tmp_path / "saved", max_shard_size="10KB")
    StyleKernelModel.from_pretrained(REPO, cache_dir=tmp_path / "cache")
    (commit,) = hub.repositories[REPO].commits
    hub.log.clear()
    StyleKernelModel.from_pretrained(REPO, cache_dir=tmp_path / "cache", revision=commit)
    assert hub.log == []


def test_styles_load_from_the_cache_without_the_hub(hub: HubServer, tmp_path: Path) -> None:
    with torch.no_grad():
        style = tiny_model().encode_style(torch.rand(1, 3, 32, 32))
    StyleLibrary({"one": style}).push_to_hub(REPO)
    StyleLibrary.from_pretrained(REPO, cache_dir=tmp_path / "cache")
    hub.faults.append(Fault("HEAD|GET", "", status=503, times=99))
    styles = StyleLibrary.from_pretrained(REPO, cache_dir=tmp_path / "cache")
    assert torch.equal(styles["one"].code, style.code)
    with pytest.raises(LocalEntryNotFoundError, match=f"style: '{REPO}' can neither be reached"):
        StyleLibrary.from_pretrained(REPO, cache_dir=tmp_path / "empty")


LOAD = """
import hashlib, sys
from stylekernel_hf import StyleKernelPipeline
for name in sys.argv[3:]:
    try:
        images = StyleKernelPipeline.from_pretrained(name)(*sys.argv[1:3]).images
        print(hashlib.sha256(images[0].tobytes()).hexdigest())
    except OSError as error:
        print(error)
"""


def test_one_online_load_serves_later_processes_without_the_hub(tmp_path: Path) -> None:
    """With HF_HUB_OFFLINE=1, as a user sets it in a shell."""
    hub = HubServer()
    tiny_model().save_repository(tmp_path / "saved")
    hub.add(REPO, files_of(tmp_path / "saved"))
    pictures = pictures_in(tmp_path)[:2]
    home = str(tmp_path / "home")
    environment = {"HF_ENDPOINT": hub.url, "HF_HOME": home, "HF_HUB_CACHE": f"{home}/hub"}

    def load(*names: str, offline: str) -> list[str]:
        settings = {**environment, "HF_HUB_OFFLINE": offline}
        with Forked(LOAD, *pictures, *names, env=settings, modules=NO_HUB) as process:
            printed = process.stdout.read()
            assert process.wait(600) == 0, process.errors()
        return printed.splitlines()

    (online,) = load(REPO, offline="0")
    assert len(online) == 64 and hub.log
    hub.shutdown()
    hub.server_close()
    hub.log.clear()
    from_cache, never_loaded = load(REPO, "painter/unknown", offline="1")
    assert from_cache == online
    assert never_loaded == (
        "model: no config.json in the cached part of 'painter/unknown' nor in its folder model; "
        "load it once online, without HF_HUB_OFFLINE=1 and local_files_only"
    )
    assert hub.log == []
