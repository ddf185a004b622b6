"""Times of frames against cases worked out by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from stylekernel_hf.video.timing import (
    Repeated,
    ShownTimes,
    Timed,
    at_rate,
    between,
    in_order,
)


def test_times_go_up_and_last_until_the_next() -> None:
    told = [("a", 10, 4), ("b", 15, 4), ("c", 15, 4), ("d", None, 0), ("e", 90, 7)]
    actual = list(in_order(told, 5))
    assert actual == [
        Timed("a", 10, 5),
        Timed("b", 15, 1),
        Timed("c", 16, 5),
        Timed("d", 21, 69),
        Timed("e", 90, 7),
    ]
    assert list(in_order([("a", None, 0)], 5)) == [Timed("a", 0, 5)]
    assert list(in_order([], 5)) == []


@pytest.mark.parametrize(
    ("shown", "decoded", "expected"),
    [
        # As the files of cameras tell: those of decoding go up, but are too early.
        ([0, 1, 2, 3], [-2, -1, 0, 1], [0, 1, 2, 3]),
        ([0, 1, 2, 3], [None, None, None, None], [0, 1, 2, 3]),
        ([None, None, None], [3, 4, 5], [3, 4, 5]),
        # As FFmpeg reads AVI files with frames that are stored out of order.
        ([1, 3, 4, 2, 6, 7, 5, 10], [2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 4, 5, 6, 7, 8, 9]),
        ([1, 3, 2, 5, 4], [2, 3, 4, 5, None], [1, 3, 4, 5, None]),
        ([1, 2, 3], [0, 0, 0], [1, 2, 3]),
    ],
)
def test_times_that_go_back_are_not_taken(
    shown: list[int | None], decoded: list[int | None], expected: list[int | None]
) -> None:
    times = ShownTimes()
    assert [times.choose(*both) for both in zip(shown, decoded, strict=True)] == expected


def test_part_holds_what_begins_in_it() -> None:
    frames = [Timed(number, number * 10, 10) for number in range(6)]
    kept = [frame.item for frame in between(frames, Fraction(15), Fraction(40))]
    assert kept == [2, 3]
    assert [frame.item for frame in between(frames, Fraction(20), None)] == [2, 3, 4, 5]


def test_rate_shows_each_frame_as_long_as_the_clip_did() -> None:
    frames = [Timed("a", 0, 10), Timed("b", 10, 2), Timed("c", 12, 28), Timed("d", 40, 10)]
    actual = list(at_rate(frames, Fraction(10), 1))
    # At 0, 10, 20, ... what the clip shows 5 later: a, c, c, c, d.
    assert actual == [
        Repeated("a", (0,), 1),
        Repeated("c", (1, 2, 3), 1),
        Repeated("d", (4,), 1),
    ]
