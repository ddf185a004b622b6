"""Pushing to the Hub: what arrives, what is kept, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from stylekernel_hf import StyleKernelModel, StyleKernelPipeline, StyleLibrary
from tests.hub.hub_server import READ_TOKEN, HubServer
from tests.hub.hub_transport import Fault
from tests.loaders import LOADERS, weights_equal
from tests.tiny import save_picture, tiny_model

REPO = "painter/my-fine-tune"
LAYOUT = {
    ".gitattributes",
    "README.md",
    "handler.py",
    "model/config.json",
    "model/diffusion_pytorch_model.safetensors",
    "model/modeling_stylekernel.py",
    "model_index.json",
    "pipeline.py",
    "requirements.txt",
}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


def test_model_and_pipeline_push_the_same(hub: HubServer) -> None:
    url = StyleKernelPipeline(tiny_model()).push_to_hub(REPO)
    pushed = hub.files(REPO)
    tiny_model().push_to_hub("painter/other")
    other = hub.files("painter/other")
    assert set(pushed) == LAYOUT and url.startswith(hub.url)
    assert {k: v for k, v in pushed.items() if k != "README.md"} == {
        k: v for k, v in other.items() if k != "README.md"
    }


@pytest.mark.parametrize("loader", LOADERS)
def test_pushed_repository_comes_back_bit_equal(
    hub: HubServer, tmp_path: Path, loader: str
) -> None:
    photo, painting = (save_picture(tmp_path / f"{i}.png", seed=i) for i in range(2))
    pipe = StyleKernelPipeline(tiny_model(seed=3))
    pipe.push_to_hub(REPO, private=True, max_shard_size="10KB")
    assert hub.repositories[REPO].private
    loaded = LOADERS[loader](REPO)
    assert weights_equal(loaded.model, tiny_model(seed=3))
    expected, actual = (p(photo, painting, output_type="np").images[0] for p in (pipe, loaded))
    assert np.array_equal(expected, actual)


def test_shards_and_branches_are_pushed(hub: HubServer) -> None:
    tiny_model().push_to_hub(REPO)
    tiny_model(seed=4).push_to_hub(REPO, revision="sharded", max_shard_size="10KB")
    assert any("-of-" in path for path in hub.files(REPO, "sharded"))
    loaded = StyleKernelModel.from_pretrained(REPO, revision="sharded")
    assert weights_equal(loaded, tiny_model(seed=4))
    assert weights_equal(StyleKernelModel.from_pretrained(REPO), tiny_model())


def test_weights_of_an_earlier_push_are_removed(hub: HubServer) -> None:
    tiny_model().push_to_hub(REPO, max_shard_size="10KB")
    tiny_model().half().push_to_hub(REPO, variant="fp16")
    tiny_model().push_to_hub(REPO)
    assert set(hub.files(REPO)) == LAYOUT | {"model/diffusion_pytorch_model.fp16.safetensors"}


def test_card_alone_is_pushed_again_without_weights(hub: HubServer) -> None:
    tiny_model().push_to_hub(REPO)
    card = hub.files(REPO)["README.md"].decode()
    HfApi().upload_file(
        path_or_fileobj=f"{card}\nMy own words.\n".encode(),
        path_in_repo="README.md",
        repo_id=REPO,
    )
    hub.log.clear()
    StyleKernelModel.from_pretrained(REPO).push_to_hub(REPO)
    assert hub.requests("PUT", "/lfs/") == 0
    assert "My own words." in hub.files(REPO)["README.md"].decode()


def test_interrupted_push_is_completed_by_the_client(hub: HubServer) -> None:
    hub.faults += [Fault("PUT", "/lfs/"), Fault("PUT", "/lfs/", status=503)]
    tiny_model().push_to_hub(REPO)
    assert hub.requests("PUT", "/lfs/") == 3
    assert weights_equal(StyleKernelModel.from_pretrained(REPO), tiny_model())


def test_push_to_a_hub_that_is_down_says_so(hub: HubServer) -> None:
    hub.faults.append(Fault("PUT", "/lfs/", status=503, times=99))
    with pytest.raises(OSError, match=f"'{REPO}'.*try again.*uploading 'model/diffusion.*503"):
        tiny_model().push_to_hub(REPO)


def test_push_that_failed_leaves_what_was_there_and_goes_on_when_repeated(hub: HubServer) -> None:
    tiny_model().push_to_hub(REPO)
    before = hub.files(REPO)
    hub.faults.append(Fault("POST", "/commit/", status=500))
    with pytest.raises(HfHubHTTPError, match="500"):
        tiny_model(seed=1).push_to_hub(REPO)
    assert hub.files(REPO) == before
    hub.log.clear()
    tiny_model(seed=1).push_to_hub(REPO)
    assert hub.requests("PUT", "/lfs/") == 0, "the weights were uploaded the first time"
    assert weights_equal(StyleKernelModel.from_pretrained(REPO), tiny_model(seed=1))


def test_push_of_somebody_else_in_between_is_not_overwritten(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_model().push_to_hub(REPO)
    original = StyleKernelModel._write

    def write_while_somebody_pushes(self: Any, *args: Any) -> None:
        original(self, *args)
        hub.add(REPO, {"README.md": b"somebody else's"})

    monkeypatch.setattr(StyleKernelModel, "_write", write_while_somebody_pushes)
    with pytest.raises(HfHubHTTPError, match="somebody pushed to 'painter/my-fine-tune' in the"):
        tiny_model(seed=1).push_to_hub(REPO)
    assert hub.files(REPO) == {"README.md": b"somebody else's"}


PAGE = b"<html>Please log in to the network</html>"


def push_styles(repo_id: str) -> None:
    with torch.no_grad():
        style = tiny_model().encode_style(torch.rand(1, 3, 32, 32))
    StyleLibrary({"one": style}).push_to_hub(repo_id)


PUSHES: dict[str, Callable[[str], object]] = {
    "model": lambda repo_id: tiny_model(seed=1).push_to_hub(repo_id),
    "pipeline": lambda repo_id: StyleKernelPipeline(tiny_model(seed=1)).push_to_hub(repo_id),
    "styles": push_styles,
}


@pytest.mark.parametrize("push", PUSHES)
@pytest.mark.parametrize(
    "fault",
    [
        *(Fault("GET|HEAD", "resolve/.*README", status=code) for code in (401, 403, 404, 429, 503)),
        Fault("GET|HEAD", "resolve/.*README", body=PAGE),
        Fault("GET", "resolve/.*README", body=PAGE),
        Fault("GET", "resolve/.*README", body=b""),
        Fault("GET", "resolve/.*README"),
        Fault("GET", "resolve/.*README", reset=True),
        Fault("GET", "/tree/", body=b"{}"),
        Fault("GET", "/tree/", body=PAGE),
        Fault("GET", "/tree/", status=500),
        Fault("GET", "/revision/|/models/[^/]+/[^/]+$", body=b"[]"),
    ],
    ids=lambda fault: f"{fault.method} {fault.path} {fault.status} {fault.body}",
)
def test_card_that_cannot_be_read_for_a_moment_is_not_taken_for_none(
    hub: HubServer, push: str, fault: Fault
) -> None:
    tiny_model().push_to_hub(REPO)
    before = {**hub.files(REPO), "README.md": b"# My own words\n"}
    hub.add(REPO, before)
    hub.faults.append(Fault(**{**vars(fault), "times": 99}))
    with pytest.raises(OSError, match=f"repo_id: .*'{REPO}'"):
        PUSHES[push](REPO)
    assert hub.files(REPO) == before
    hub.faults.clear()
    PUSHES[push](REPO)
    assert b"# My own words\n" in hub.files(REPO)["README.md"]


def test_card_that_arrives_damaged_is_no_card(hub: HubServer) -> None:
    tiny_model().push_to_hub(REPO)
    card = hub.files(REPO)["README.md"]
    damaged = card.replace(b"photos", b"phot0s")
    # Its headers stay those of the file, as those of a caching proxy do.
    hub.faults.append(Fault("GET", "resolve/.*README", body=damaged, times=99))
    with pytest.raises(ConnectionError, match=f"'{REPO}'.*README.md arrived damaged"):
        tiny_model(seed=1).push_to_hub(REPO)
    assert hub.files(REPO)["README.md"] == card


def test_repository_that_vanishes_during_a_push_is_named(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_model().push_to_hub(REPO)
    original = StyleKernelModel._write

    def write_while_it_vanishes(self: Any, *args: Any) -> None:
        original(self, *args)
        del hub.repositories[REPO]

    monkeypatch.setattr(StyleKernelModel, "_write", write_while_it_vanishes)
    with pytest.raises(RepositoryNotFoundError, match=f"'{REPO}'"):
        tiny_model(seed=1).push_to_hub(REPO)


def test_pull_request_that_does_not_exist_is_named(hub: HubServer) -> None:
    tiny_model().push_to_hub(REPO)
    with pytest.raises(RevisionNotFoundError, match=f"'{REPO}' on the Hub has no 'refs/pr/7'"):
        tiny_model(seed=1).push_to_hub(REPO, revision="refs/pr/7")


def test_connection_that_breaks_while_the_commit_is_made_is_told(hub: HubServer) -> None:
    tiny_model().push_to_hub(REPO)
    for fault in (
        Fault("POST", "/commit/", reset=True, times=99),
        Fault("POST", "/commit/", body=PAGE, times=99),
        Fault("POST", "/preupload/", body=b"{}", times=99),
        Fault("POST", "/repos/create", body=PAGE, times=99),
    ):
        hub.faults[:] = [fault]
        with pytest.raises(ConnectionError, match=f"'{REPO}'.*try again") as caught:
            tiny_model(seed=1).push_to_hub(REPO)
        assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("repo_id", "token", "status"),
    [(REPO, READ_TOKEN, "403"), (REPO, False, "401"), ("somebody/else", None, "403")],
)
def test_token_that_may_not_write_is_refused(
    hub: HubServer, repo_id: str, token: str | bool | None, status: str
) -> None:
    with pytest.raises(HfHubHTTPError, match=status):
        tiny_model().push_to_hub(repo_id, token=token)
    assert hub.repositories == {}


def test_name_that_is_none_is_refused(hub: HubServer) -> None:
    with pytest.raises(ValueError, match="repo_id must be 'owner/name', got 'waves'"):
        tiny_model().push_to_hub("waves")
    assert hub.log == []


def test_loader_explains_the_missing_package_in_one_line(hub: HubServer, tmp_path: Path) -> None:
    import subprocess
    import sys

    tiny_model().save_repository(tmp_path / "saved")
    for name in ("pipeline.py", "handler.py", "model/modeling_stylekernel.py"):
        code = f"""
import sys
sys.modules["stylekernel_hf"] = None
try:
    exec(open({str(tmp_path / "saved" / name)!r}).read())
except ImportError as error:
    print(error)
"""
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert result.stdout == (
            "this repository needs the package stylekernel_hf: pip install stylekernel-hf\n"
        )


def test_remote_code_runs_only_behind_the_flag(hub: HubServer) -> None:
    from diffusers import DiffusionPipeline

    tiny_model().push_to_hub(REPO)
    with pytest.raises(ValueError, match="trust_remote_code=True"):
        DiffusionPipeline.from_pretrained(REPO)
