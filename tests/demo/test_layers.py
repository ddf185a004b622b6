"""What is painted on photos: bounds in bytes, and nobody's is lost to another's."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from demo.layers import Layers

MB = 2**20


def test_layers_are_given_once_in_their_order() -> None:
    layers = Layers(64 * MB)
    layers.put("a", "1.1.1.1", 2, b"third")
    layers.put("a", "1.1.1.1", 0, b"first")
    layers.put("b", "2.2.2.2", 0, b"other")
    assert layers.take("a") == [b"first", b"third"]
    assert layers.take("a") == [] and "b" in layers


@pytest.mark.parametrize("size", [0, 1, 3 * MB, 8 * MB])
def test_all_together_have_a_bound(size: int) -> None:
    layers = Layers(32 * MB)
    for number in range(50):
        layers.put(f"{number}", f"{number}.0.0.1", 0, bytes(size))
    assert len(layers) == 32 * MB // max(size, 2 * MB)
    assert "49" in layers and "0" not in layers


def test_greedy_visitor_loses_its_own() -> None:
    layers = Layers(32 * MB)
    layers.put("mine", "1.1.1.1", 0, bytes(3 * MB))
    for number in range(50):
        layers.put(f"{number}", "6.6.6.6", number % 4, bytes(8 * MB))
    assert layers.take("mine") == [bytes(3 * MB)]


def test_old_ones_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = Layers(32 * MB)
    layers.put("old", "1.1.1.1", 0, b"x")
    now = time.monotonic()
    # Of the module alone: the servers of other tests keep their own time.
    clock = SimpleNamespace(monotonic=lambda: now + 50)
    monkeypatch.setattr("demo.layers.time", clock)
    layers.put("new", "1.1.1.1", 0, b"x")
    clock.monotonic = lambda: now + 101
    layers.forget(100)
    assert "old" not in layers and "new" in layers
