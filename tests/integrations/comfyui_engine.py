"""ComfyUI itself, run without a window on the processor, with the nodes of this repository.

The variable `COMFYUI_FOLDER` names a checkout of ComfyUI, `COMFYUI_PYTHON` a Python that has what
ComfyUI needs; without the latter, the Python of the tests is taken.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

PROJECT = Path(__file__).parents[2]


class Engine:
    """A running ComfyUI: its address, and the folder that holds `input` and `output`."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address, self.folder = address, folder
        self.client = httpx.Client(base_url=address, timeout=600)

    def node_types(self) -> dict[str, Any]:
        """Return what ComfyUI says of all its nodes."""
        return self.client.get("/object_info").raise_for_status().json()

    def submit(self, prompt: dict[str, Any]) -> httpx.Response:
        """Ask for a prompt to be run, and return the answer."""
        return self.client.post("/prompt", json={"prompt": prompt})

    def run(self, prompt: dict[str, Any]) -> dict[str, Any]:
        """Run a prompt to its end, and return what ComfyUI remembers of it."""
        answer = self.submit(prompt)
        assert answer.status_code == 200, answer.text
        return self.ended(answer.json()["prompt_id"])

    def ended(self, prompt_id: str) -> dict[str, Any]:
        """Wait for a prompt, and return what ComfyUI remembers of it."""
        while True:
            history = self.client.get(f"/history/{prompt_id}").raise_for_status().json()
            if prompt_id in history:
                return history[prompt_id]
            time.sleep(0.1)

    def output(self, history: dict[str, Any]) -> Path:
        """Return the only file that a prompt wrote."""
        assert history["status"]["status_str"] == "success", history["status"]
        ((file,),) = (each["images"] for each in history["outputs"].values())
        return self.folder / "output" / file["subfolder"] / file["filename"]


def messages(history: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return what ComfyUI told of a kind of events of a prompt."""
    return [message for name, message in history["status"]["messages"] if name == kind]


def prompt_of(workflow: dict[str, Any], node_types: dict[str, Any]) -> dict[str, Any]:
    """Return what the page sends to ComfyUI for a workflow that it saved."""
    sources = {link[0]: [str(link[1]), link[2]] for link in workflow["links"]}
    prompt: dict[str, Any] = {}
    for node in workflow["nodes"]:
        declared = node_types[node["type"]]["input"]
        known = {name for group in declared.values() for name in group}
        values = iter(node.get("widgets_values", []))
        inputs: dict[str, Any] = {}
        for each in node["inputs"]:
            value = next(values) if "widget" in each else None
            if each["link"] is not None:
                inputs[each["name"]] = sources[each["link"]]
            elif "widget" in each and each["name"] in known:
                inputs[each["name"]] = value
        prompt[str(node["id"])] = {"class_type": node["type"], "inputs": inputs}
    return prompt


@contextmanager
def comfyui(folder: Path) -> Generator[Engine]:
    """Run ComfyUI with the nodes, and with its inputs and outputs in a folder of its own."""
    for name in ("custom_nodes", "input", "output", "temp", "user", "models"):
        (folder / name).mkdir()
    (folder / "custom_nodes" / "stylekernel").symlink_to(PROJECT / "integrations" / "comfyui")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [
        os.environ.get("COMFYUI_PYTHON", sys.executable),
        *("main.py", "--cpu", "--listen", "127.0.0.1", "--port", str(port)),
        *("--base-directory", str(folder), "--database-url", f"sqlite:///{folder / 'user.db'}"),
        *("--disable-auto-launch", "--disable-api-nodes", "--disable-all-custom-nodes"),
        *("--whitelist-custom-nodes", "stylekernel"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    log = folder / "log.txt"
    with log.open("wb") as file:
        running = subprocess.Popen(
            command,
            cwd=os.environ["COMFYUI_FOLDER"],
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        while not _answers(address):
            assert running.poll() is None, log.read_text(encoding="utf-8")
            time.sleep(0.2)
        engine = Engine(address, folder)
        yield engine
        engine.client.close()
    finally:
        running.terminate()
        running.wait()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/system_stats").status_code == 200
    except httpx.TransportError:
        return False
