"""Threads leave processors to other programs, where a program asks for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest
import torch

from stylekernel_hf import StyleKernelPipeline, share_processors
from stylekernel_hf.benchmark.work import busy_process
from stylekernel_hf.devices import load_meter, processors
from stylekernel_hf.devices.load_meter import LoadMeter
from stylekernel_hf.devices.processors import ProcessorShare, adaptive_threads, useful_workers
from tests.tiny import vivid_model

PICTURE = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))


class Machine:
    """Counters as Linux has them, which tests move on."""

    def __init__(self) -> None:
        self.now, self.user, self.niced, self.own, self.running = 0.0, 0.0, 0.0, 0.0, 1

    def pass_time(self, seconds: float, *, others: float, own: float, niced: float = 0) -> None:
        self.now += seconds
        self.own += own * seconds
        self.user += (others + own) * seconds
        self.niced += niced * seconds

    def stat(self) -> str:
        ticks = [round(seconds * 100) for seconds in (self.user, self.niced)]
        lines = [f"cpu  {ticks[0]} {ticks[1]} 0 0 0 0 0 0 0 0", f"procs_running {self.running}"]
        return "\n".join(lines)

    def meter(self) -> LoadMeter:
        return LoadMeter(self.stat, own=lambda: self.own, clock=lambda: self.now)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(load_meter.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(load_meter.os, "sysconf", lambda name: 100)
    return Machine()


@pytest.mark.parametrize(
    ("others", "own", "niced", "expected"),
    [(0, 2, 0, 0), (1, 1, 0, 1), (0.25, 1, 0, 0.25), (3, 0.5, 0, 3), (0, 1, 1, 0)],
)
def test_meter_counts_what_others_use(
    machine: Machine, others: float, own: float, niced: float, expected: float
) -> None:
    meter = machine.meter()
    machine.pass_time(1, others=others, own=own, niced=niced)
    assert meter.others() == pytest.approx(expected)


def test_meter_keeps_its_last_word_for_a_moment(machine: Machine) -> None:
    meter = machine.meter()
    machine.pass_time(1, others=1, own=1)
    assert meter.others() == pytest.approx(1)
    machine.pass_time(0.05, others=0, own=1)
    assert meter.others() == pytest.approx(1)
    machine.pass_time(0.05, others=0, own=1)
    assert meter.others() == pytest.approx(0, abs=0.01)


def test_meter_looks_at_who_runs_now_after_a_pause(machine: Machine) -> None:
    meter = machine.meter()
    machine.pass_time(60, others=0, own=0)
    machine.running = 3
    assert meter.others() == 2
    machine.pass_time(60, others=2, own=0)
    machine.running = 1
    assert meter.others() == 0


def test_meter_without_counters_says_nobody() -> None:
    def missing() -> str:
        raise FileNotFoundError

    assert LoadMeter(missing).others() == 0
    assert LoadMeter(lambda: "intr 1 2 3").others() == 0


@pytest.mark.parametrize(
    ("most", "processors_there", "others", "painters", "expected"),
    [
        (2, 2, 0, 1, 2),
        (2, 2, 1, 1, 1),
        (2, 2, 0.3, 1, 2),
        (2, 2, 5, 1, 1),
        (2, 2, 0, 2, 1),
        (4, 8, 1, 1, 4),
        (4, 8, 6, 1, 2),
        (8, 8, 0, 2, 4),
    ],
)
def test_threads_are_what_others_leave(
    machine: Machine,
    most: int,
    processors_there: int,
    others: float,
    painters: int,
    expected: int,
) -> None:
    share = ProcessorShare(machine.meter(), most, processors_there)
    machine.pass_time(1, others=others, own=1)
    with share.workers(1), share.workers(painters - 1):
        assert share.threads() == expected


@pytest.fixture
def crowded() -> Iterator[list[float]]:
    """Share the processors of a machine of two, on which as many are busy as the list says."""
    before, load = torch.get_num_threads(), [0.0]

    class Meter(LoadMeter):
        def others(self) -> float:
            return load[0]

    torch.set_num_threads(2)
    processors._share = ProcessorShare(Meter(), 2, 2)
    try:
        yield load
    finally:
        processors._share = None
        torch.set_num_threads(before)


def test_pipeline_adapts_at_every_picture_and_tile(
    crowded: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = StyleKernelPipeline(vivid_model())
    style = pipe.encode_style(PICTURE)
    used: list[int] = []
    encode = pipe.model.encode_content

    def watched(window: torch.Tensor) -> list[torch.Tensor]:
        used.append(torch.get_num_threads())
        # Another program starts after the first tile.
        crowded[0] = 1.0
        return encode(window)

    monkeypatch.setattr(pipe.model, "encode_content", watched)
    pipe(torch.rand(1, 3, 64, 128), style, tile_size=64)
    assert used[0] == 2 and set(used[1:]) == {1}
    crowded[0] = 0.0
    pipe(PICTURE, style)
    assert used[-1] == 2


def test_two_pictures_at_a_time_divide_the_threads(crowded: list[float]) -> None:
    cpu = torch.device("cpu")
    assert useful_workers(cpu) == 2
    assert useful_workers(torch.device("cuda")) == 1
    with adaptive_threads(workers=2):
        assert torch.get_num_threads() == 1
    with adaptive_threads():
        assert torch.get_num_threads() == 2
    processors._share = None
    assert useful_workers(cpu) == 1


def test_nothing_is_changed_unasked() -> None:
    before = torch.get_num_threads()
    with busy_process():
        pipe = StyleKernelPipeline(vivid_model())
        pipe(PICTURE, PICTURE)
        assert torch.get_num_threads() == before


def test_end_of_sharing_gives_the_threads_back() -> None:
    before = torch.get_num_threads()
    share_processors()
    try:
        assert processors._share is not None
        processors._share._meter.others = lambda: 100.0  # type: ignore[method-assign]
        with adaptive_threads():
            assert torch.get_num_threads() == 1
    finally:
        share_processors(False)
    assert torch.get_num_threads() == before


def test_busy_process_is_seen() -> None:
    meter = LoadMeter()
    if meter._last is None:
        pytest.skip("this system has no such counters")
    if os.nice(0) > 0:
        pytest.skip("the busy process would be nice too, and not count")
    with busy_process():
        threading.Event().wait(1)
        # The process itself is not busy meanwhile; others beside it may be.
        assert meter.others() > 0.4
