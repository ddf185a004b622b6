"""The documentation's code for Spark, in a Spark of this machine."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylekernel_hf import StyleKernelPipeline
from tests.tiny import save_picture, vivid_model

pytestmark = pytest.mark.slow(reason="Spark starts a Java machine")

ROOT = Path(__file__).parents[2]
PROGRAM = """
import base64, json, sys
from pyspark.sql import SparkSession
from stylekernel_hf import StylizeBatch

spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
model, painting, *photos = sys.argv[1:]
rows = spark.createDataFrame([(photo,) for photo in photos], "path string")
stylize = StylizeBatch(model, {"wave": painting}, suffix=".png", device="cpu")
CODE
for row in stylized.collect():
    result = base64.b64encode(row.result).decode()
    print("row", json.dumps({**row.asDict(), "result": result}))
spark.stop()
"""


def documented_code() -> str:
    text = (ROOT / "docs" / "pages" / "bulk.md").read_text(encoding="utf-8")
    code = re.search(r"With Spark:\n\n((?:    .*\n|\n)+)", text)
    assert code is not None
    return textwrap.dedent(code[1])


def test_documented_code_stylizes_in_spark(tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="Spark is not installed")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    StyleKernelPipeline(vivid_model()).save_pretrained(tmp_path / "model")
    painting = save_picture(tmp_path / "wave.png", seed=9)
    photos = [save_picture(tmp_path / f"{seed}.png", seed=seed) for seed in range(3)]
    words = [tmp_path / "model", painting, *photos, tmp_path / "missing.png"]
    program = PROGRAM.replace("CODE", documented_code())
    ran = subprocess.run(
        [sys.executable, "-c", program, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=1800,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable},
    )
    assert ran.returncode == 0, ran.stderr
    lines = [line for line in ran.stdout.splitlines() if line.startswith("row ")]
    rows = {row["path"]: row for row in map(json.loads, (line[4:] for line in lines))}
    missing = rows.pop(str(tmp_path / "missing.png"))
    assert missing["result"] == "" and missing["error"].startswith("content: no such file")
    pipe = StyleKernelPipeline(vivid_model())
    for photo in photos:
        row = rows.pop(str(photo))
        assert row["error"] == "" and row["name"] == f"{photo.stem}_wave.png"
        with Image.open(io.BytesIO(base64.b64decode(row["result"]))) as actual:
            expected = pipe(photo, painting).images[0]
            assert np.array_equal(np.asarray(actual), np.asarray(expected))
    assert rows == {}
