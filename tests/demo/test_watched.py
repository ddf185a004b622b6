"""Progress and the end of time."""

from __future__ import annotations

import pytest

from demo.messages import VisitorError
from demo.watched import Watch, WatchedPipeline, watched
from tests.tiny import tiny_model

SIDE = 200


def paint(watch: Watch) -> None:
    import numpy as np

    photo = np.zeros((SIDE, SIDE, 3), np.uint8)
    with watched(watch):
        WatchedPipeline(tiny_model())(photo, photo[:64, :64], tile_size=64)


def test_progress_runs_through_its_part_of_the_whole() -> None:
    told: list[tuple[float, str]] = []
    watch = Watch(lambda share, label: told.append((share, label)), seconds=60)
    watch.part("Painting", 0.2, 0.6)
    paint(watch)
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and len(shares) > 4
    assert shares[0] == 0.2 and shares[-1] == pytest.approx(0.8)
    assert {label for _, label in told} == {"Painting"}


def test_work_ends_when_time_is_up() -> None:
    with pytest.raises(VisitorError, match="more than 0 seconds, the limit here"):
        paint(Watch(lambda share, label: None, seconds=0))


def test_pipeline_that_nobody_watches_paints() -> None:
    import numpy as np

    photo = np.zeros((32, 32, 3), np.uint8)
    assert WatchedPipeline(tiny_model())(photo, photo).images[0].size == (32, 32)
