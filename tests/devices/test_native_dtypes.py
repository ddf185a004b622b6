"""Half floats are used where the device computes in them."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest
import torch

from stylekernel_hf import pipeline
from stylekernel_hf.benchmark import runner
from stylekernel_hf.devices import resolution
from stylekernel_hf.devices.dtypes import is_native
from stylekernel_hf.training import precision
from stylekernel_hf.training.precision import resolve_precision

CPU = torch.device("cpu")


@pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64",
    reason="reads the flags of an x86 processor from Linux",
)
def test_processor_has_bfloat16_if_its_flags_say_so() -> None:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    flags = next(line for line in text.splitlines() if line.startswith("flags")).split()
    # What oneDNN needs for kernels of its own, with or without instructions for bfloat16.
    expected = {"avx512bw", "avx512vl", "avx512dq"} <= set(flags) or "avx_ne_convert" in flags
    assert is_native(torch.bfloat16, CPU) == expected


def test_every_device_has_float32_and_unknown_ones_nothing_else() -> None:
    for name in ("cpu", "cuda", "mps", "xpu"):
        assert is_native(torch.float32, torch.device(name))
    assert not is_native(torch.bfloat16, torch.device("xpu"))


@pytest.mark.parametrize("supported", [True, False])
def test_cuda_has_bfloat16_only_without_emulation(
    monkeypatch: pytest.MonkeyPatch, supported: bool
) -> None:
    def answer(*, including_emulation: bool) -> bool:
        return including_emulation or supported

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", answer)
    assert is_native(torch.bfloat16, torch.device("cuda")) == supported
    assert is_native(torch.float16, torch.device("cuda"))


def test_emulated_dtype_is_used_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(resolution, "is_native", lambda dtype, device: dtype == torch.float32)
    assert pipeline("style-kernel", device="cpu").dtype == torch.float32
    assert not caplog.records
    assert pipeline("style-kernel", device="cpu", dtype=torch.bfloat16).dtype == torch.bfloat16
    (record,) = caplog.records
    assert record.getMessage() == (
        "dtype torch.bfloat16 is emulated by this CPU: torch.float32 is much faster"
    )


def test_automatic_precision_is_bfloat16_where_the_machine_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for native, expected in ((True, "bf16"), (False, "no")):
        monkeypatch.setattr(precision, "is_native", lambda *_, native=native: native)
        assert resolve_precision("auto") == expected
        assert resolve_precision("fp16") == "fp16"


def test_benchmark_leaves_out_bfloat16_that_a_device_emulates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner, "is_native", lambda _, device: device.type == "cuda")
    assert runner.default_dtypes(["cuda"]) == ["float32", "bfloat16"]
    assert runner.default_dtypes(["cuda", "cpu"]) == ["float32"]
