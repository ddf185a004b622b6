"""Which photo becomes which picture."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

from stylekernel_hf.bulk.plan import keep_plan, pair


def test_every_photo_meets_every_painting_under_a_name_of_its_own() -> None:
    plan = pair(["a.jpg", "a.png", "sub/a.png"], ["x", "y"], ".webp", seed=None).to_pylist()
    assert [row["name"] for row in plan] == [
        "a.jpg_x.webp",
        "a.jpg_y.webp",
        "a.png_x.webp",
        "a.png_y.webp",
        "sub/a_x.webp",
        "sub/a_y.webp",
    ]
    assert [row["painting"] for row in plan] == ["x", "y"] * 3


def test_two_pictures_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"a name of its own, got 2 of 'a_x_y\.jpg'"):
        pair(["a.jpg", "a_x.jpg"], ["y", "x_y"], ".jpg", seed=None)


def test_drawn_paintings_depend_on_the_seed_and_the_photo_alone() -> None:
    photos = [f"{number}.jpg" for number in range(300)]

    def drawn(photos: list[str], seed: int) -> dict[str, str]:
        plan = pair(photos, ["x", "y", "z"], ".jpg", seed=seed).to_pylist()
        return {row["photo"]: row["painting"] for row in plan}

    first = drawn(photos, 0)
    assert drawn(photos[:100], 0) == {photo: first[photo] for photo in photos[:100]}
    assert drawn(photos, 1) != first
    counts = [list(first.values()).count(name) for name in "xyz"]
    assert sum(counts) == 300 and min(counts) > 70


def test_target_takes_up_the_same_run_only(tmp_path: Path) -> None:
    target = str(tmp_path / "out")
    plan = pair(["a.jpg", "b.jpg"], ["x"], ".jpg", seed=None)
    assert keep_plan(target, plan, {"strength": 1.0}) == 2
    assert keep_plan(target, plan, {"strength": 1.0}) == 2
    more = pair(["a.jpg", "b.jpg", "c.jpg"], ["x"], ".jpg", seed=None)
    for other, settings in ((plan, {"strength": 0.5}), (more, {"strength": 1.0})):
        with pytest.raises(FileExistsError, match="holds a run with other photos or settings"):
            keep_plan(target, other, settings)
