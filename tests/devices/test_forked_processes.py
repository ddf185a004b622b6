"""A network that was loaded before a fork paints in the child as well."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork"
)
ROOT = Path(__file__).parents[2]

# Two threads compute in the parent before it forks: in the child they are gone.
SCRIPT = """
import multiprocessing, sys
import numpy as np, torch
torch.set_num_threads(2)
from stylekernel_hf import pipeline
pipe = pipeline("style-kernel", device="cpu")
picture = np.random.default_rng(0).integers(0, 256, (160, 240, 3), dtype=np.uint8)
pipe(picture, picture, style_size=128)

def paint():
    print(pipe(picture, picture, style_size=128).images[0].size, flush=True)

def encode_and_forward():
    style = pipe.encode_style(picture, style_size=128)
    with torch.no_grad():
        print(tuple(pipe.model(torch.rand(1, 3, 64, 64), style).shape), flush=True)

def load_and_paint():
    fresh = pipeline("style-kernel", device="cpu")
    print(fresh(picture, picture, style_size=128).images[0].size, flush=True)

class Painted(torch.utils.data.Dataset):
    def __len__(self):
        return 2
    def __getitem__(self, index):
        return pipe(picture, picture, style_size=128, output_type="pt").images[0]

def in_a_child(job):
    child = multiprocessing.get_context("fork").Process(target=job)
    child.start()
    child.join(60)
    if child.is_alive():
        child.kill()
        sys.exit("the child hangs")
    print("threads of the parent", torch.get_num_threads(), flush=True)

def in_loader():
    loader = torch.utils.data.DataLoader(
        Painted(), num_workers=1, multiprocessing_context="fork", timeout=60
    )
    for batch in loader:
        print(tuple(batch.shape), flush=True)
"""


CALLS = {
    "in_a_child(paint)": "(240, 160)",
    "in_a_child(encode_and_forward)": "(1, 3, 64, 64)",
    "in_a_child(load_and_paint)": "(240, 160)",
    "in_loader()": "(1, 3, 160, 240)",
}


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    """What each call prints, in one process for all."""
    calls = "".join(f"print('call', flush=True)\n{call}\n" for call in CALLS)
    done = subprocess.run(
        [sys.executable, "-c", f"{SCRIPT}\n{calls}"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(CALLS, done.stdout.split("call\n")[1:], strict=True))


@pytest.mark.parametrize("call", CALLS)
def test_forked_process_stylizes(printed: dict[str, str], call: str) -> None:
    assert CALLS[call] in printed[call]
    if "child" in call:
        assert "threads of the parent 2" in printed[call]
