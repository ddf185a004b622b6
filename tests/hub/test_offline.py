"""HF_HUB_OFFLINE=1 in processes of their own, as a user sets it in a shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.hub.hub_server import HubServer
from tests.tiny import save_picture, tiny_model

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
    hub = HubServer()
    tiny_model().save_repository(tmp_path / "saved")
    files = {
        path.relative_to(tmp_path / "saved").as_posix(): path.read_bytes()
        for path in (tmp_path / "saved").rglob("*")
        if path.is_file()
    }
    hub.add("painter/waves", files)
    pictures = [str(save_picture(tmp_path / f"{i}.png", seed=i)) for i in range(2)]
    home = str(tmp_path / "home")
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": home}
    environment["HF_HUB_CACHE"] = f"{home}/hub"

    def load(*names: str, offline: str) -> list[str]:
        result = subprocess.run(
            [sys.executable, "-c", LOAD, *pictures, *names],
            env={**environment, "HF_HUB_OFFLINE": offline},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()

    (online,) = load("painter/waves", offline="0")
    assert len(online) == 64 and hub.log
    hub.shutdown()
    hub.server_close()
    hub.log.clear()
    from_cache, never_loaded = load("painter/waves", "painter/unknown", offline="1")
    assert from_cache == online
    assert never_loaded == (
        "model: no config.json in the cached part of 'painter/unknown' nor in its folder model; "
        "load it once online, without HF_HUB_OFFLINE=1 and local_files_only"
    )
    assert hub.log == []
