"""`stylekernel bulk` on a cluster of two workers, killed in the middle and started again."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from stylekernel_hf import StyleKernelPipeline
from tests.tiny import save_picture, vivid_model

ray = pytest.importorskip("ray")
import pyarrow as pa  # noqa: E402
import pyarrow.fs  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

pytestmark = pytest.mark.slow(reason="a cluster starts, and its processes import torch")

PHOTOS, LIMIT = 24, 900


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photos" / "sub").mkdir(parents=True)
    for seed in range(PHOTOS - 1):
        place = tmp_path / "photos" / ("sub" if seed % 2 else "")
        save_picture(place / f"{seed}.png", (40 + seed, 50), seed)
    (tmp_path / "photos" / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n but no picture")
    for seed, name in enumerate(("wave", "night")):
        save_picture(tmp_path / f"{name}.png", seed=100 + seed)
    StyleKernelPipeline(vivid_model()).save_pretrained(tmp_path / "model")
    return tmp_path


def start(folder: Path, *source: str, target: str = "out") -> subprocess.Popen[str]:
    words = ["bulk", *(source or ["photos"]), "-s", "wave.png", "-s", "night.png", "-o", target]
    words += ["--suffix", ".png", "--workers", "2", "--model", "model"]
    return subprocess.Popen(
        [sys.executable, "-m", "stylekernel_hf.cli", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # As many threads as here, for results that are equal to the bit.
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def wait_for(count: int, pictures: Callable[[], int], process: subprocess.Popen[str]) -> None:
    began = time.monotonic()
    while pictures() < count:
        assert process.poll() is None and time.monotonic() - began < LIMIT
        time.sleep(0.05)


def wait_for_pictures(folder: Path, count: int, process: subprocess.Popen[str]) -> None:
    wait_for(count, lambda: len([*(folder / "out" / "pictures").rglob("*.png")]), process)


def last_line(process: subprocess.Popen[str]) -> str:
    """Wait for the command, and return what it says at the end; Ray prints before that."""
    out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, err
    return out.splitlines()[-1]


def network_workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    children = psutil.Process(process.pid).children(recursive=True)
    return [child for child in children if "StylizeBatch" in " ".join(child.cmdline())]


def check_all_is_there(folder: Path) -> None:
    """Every picture is there once, as the pipeline paints it, and the damaged photo has errors."""
    rows = pq.read_table(folder / "out" / "manifest").to_pylist()
    assert len({row["name"] for row in rows}) == len(rows) == 2 * PHOTOS
    pipe = StyleKernelPipeline.from_pretrained(folder / "model", device_map="cpu")
    styles = {name: pipe.encode_style(folder / f"{name}.png") for name in ("wave", "night")}
    for row in rows:
        assert json.loads(row["settings"])["strength"] == 1
        path = folder / "out" / "pictures" / row["name"]
        if row["photo"] == "damaged.png":
            assert row["error"].startswith("content") and not path.exists()
            continue
        assert row["error"] == ""
        expected = pipe(folder / "photos" / row["photo"], styles[row["painting"]]).images[0]
        with Image.open(io.BytesIO(path.read_bytes())) as actual:
            assert np.array_equal(np.asarray(actual), np.asarray(expected))
    assert [*(folder / "out").rglob("*.part")] == []


def test_killed_run_goes_on_and_repeats_nothing_that_was_done(folder: Path) -> None:
    process = start(folder)
    wait_for_pictures(folder, 20, process)
    process.kill()
    process.communicate()
    finished = (folder / "out" / "checkpoint").glob("*.parquet")
    finished = [path for path in finished if not path.name.endswith(".pending.parquet")]
    names = [name for path in finished for name in pq.read_table(path)["name"].to_pylist()]
    done = {
        name: path.stat().st_mtime_ns
        for name in names
        if (path := folder / "out" / "pictures" / name).exists()
    }
    assert done
    assert last_line(start(folder)).startswith("46 pictures and 2 errors in out: ")
    check_all_is_there(folder)
    pictures = folder / "out" / "pictures"
    assert {name: (pictures / name).stat().st_mtime_ns for name in done} == done
    assert last_line(start(folder)) == "46 pictures and 2 errors in out: 0 new"


def test_killed_run_between_buckets_goes_on(folder: Path) -> None:
    pytest.importorskip("moto", reason="the server speaks S3 by moto")
    from tests.bulk.s3_server import s3_server

    with s3_server() as s3:
        pa.fs.copy_files(
            str(folder / "photos"), "photos/set", None, destination_filesystem=s3.files
        )
        source, target = f"s3://photos/set?{s3.query}", f"s3://results/run?{s3.query}"
        s3.files.create_dir("results/run")
        process = start(folder, source, target=target)
        wait_for(20, lambda: sum(x.endswith(".png") for x in s3.names("results/run")), process)
        process.kill()
        process.communicate()
        assert last_line(start(folder, source, target=target)).startswith(
            f"46 pictures and 2 errors in {target}: "
        )
        again = f"46 pictures and 2 errors in {target}: 0 new"
        assert last_line(start(folder, source, target=target)) == again
        pa.fs.copy_files("results/run", str(folder / "out"), s3.files)
    check_all_is_there(folder)


def test_killed_worker_costs_no_picture(folder: Path) -> None:
    process = start(folder)
    wait_for_pictures(folder, 4, process)
    workers = network_workers(process)
    assert len(workers) == 2
    os.kill(workers[0].pid, signal.SIGKILL)
    assert last_line(process).startswith("46 pictures and 2 errors in out: 48 new in ")
    check_all_is_there(folder)


def test_photos_in_parquet_become_the_same_pictures(folder: Path) -> None:
    paths = sorted((folder / "photos").glob("[0-9]*.png"))
    pq.write_table(
        pa.table({"image": [{"bytes": path.read_bytes(), "path": None} for path in paths]}),
        folder / "train.parquet",
        row_group_size=5,
    )
    process = start(folder, "train.parquet", "--image-column", "image")
    assert last_line(process).startswith(f"{2 * len(paths)} pictures and 0 errors in out: ")
    pipe = StyleKernelPipeline.from_pretrained(folder / "model", device_map="cpu")
    for row, path in enumerate(paths):
        expected = pipe(path, folder / "wave.png").images[0]
        with Image.open(folder / f"out/pictures/train.parquet/{row}_wave.png") as actual:
            assert np.array_equal(np.asarray(actual), np.asarray(expected))
