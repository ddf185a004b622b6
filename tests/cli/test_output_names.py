"""Results have names of their own, which are the same for the same pictures."""

from __future__ import annotations

import random
import unicodedata
from itertools import product
from pathlib import Path

import pytest

from stylekernel_hf.cli.jobs import plan_jobs, plan_mixtures
from stylekernel_hf.cli.output_names import name_results
from stylekernel_hf.cli.style_sources import NamedStyle, StyleSource


def paths(*names: str) -> list[Path]:
    return [Path(name) for name in names]


def on_any_file_system(name: str) -> str:
    """What macOS and Windows tell names apart by: no capitals, letters and accents apart."""
    return unicodedata.normalize("NFD", name.lower())


def names_of(contents: list[Path], styles: list[StyleSource]) -> list[str]:
    return [job.output.name for job in plan_jobs(contents, styles, "out/")]


@pytest.mark.parametrize(
    ("contents", "styles"),
    [
        (paths("portrait.png", "portrait_old.png"), paths("old_master.png", "master.png")),
        (paths("a.png", "a_b.png", "a_b_c.png"), paths("b_c_d.png", "c_d.png", "d.png")),
        (paths("x/a.jpg", "y/a.jpg", "x-a.jpg"), paths("s.jpg")),
        (paths("x/a.jpg", "y/a.jpg", "y/a.png", "y-a.jpg", "y-a-jpg.png"), paths("s.jpg")),
        (paths("a.jpg", "a.png", "a-2.jpg", "a-1.jpg"), paths("s.jpg")),
        (paths("Photo.jpg", "photo.jpg", "PHOTO.png"), paths("s.jpg")),
        (paths("caf\u00e9.jpg", "cafe\u0301.jpg"), paths("s.jpg")),
        (paths("b.jpg"), paths("one/wave.png", "two/wave.png", "wave.safetensors")),
        (
            paths("b.jpg"),
            [NamedStyle(Path("w.st"), "wave"), Path("x/wave.png"), Path("w-wave.png")],
        ),
        (paths("b.jpg"), [NamedStyle(Path("w.st"), "a:b"), NamedStyle(Path("w.st"), "a?b")]),
        (paths("one/d/a.png", "two/d/a.png"), paths("s.jpg")),
        (paths(f"{'x' * 300}1.png", f"{'x' * 300}2.png"), paths("s.jpg")),
    ],
)
def test_results_have_names_of_their_own(contents: list[Path], styles: list[StyleSource]) -> None:
    names = names_of(contents, styles)
    assert len(names) == len(contents) * len(styles)
    assert len({on_any_file_system(name) for name in names}) == len(names)
    assert all(name.endswith(".png") and len(name.encode()) <= 255 for name in names)


@pytest.mark.parametrize("seed", range(40))
def test_any_pictures_in_any_order_have_names_of_their_own(seed: int) -> None:
    draw = random.Random(seed)
    words = ["".join(word) for size in (1, 2, 3) for word in product("aA_-", repeat=size)]
    folders = ["", "a/", "a_a/", "A/"]
    contents = [Path(draw.choice(folders) + word + ".png") for word in draw.sample(words, 12)]
    styles = [Path(draw.choice(folders) + word + ".jpg") for word in draw.sample(words, 12)]
    named = name_results(contents, [(style,) for style in styles], ".png")
    assert len({on_any_file_system(name) for name in named.values()}) == len(contents) * len(styles)
    draw.shuffle(contents)
    draw.shuffle(styles)
    assert name_results(contents, [(style,) for style in styles], ".png") == named


def test_names_that_none_shares_stay_short() -> None:
    assert names_of(paths("x/a.jpg", "b.png"), paths("s.jpg")) == ["a_s.png", "b_s.png"]
    contents, styles = paths("p/one.png", "p/one_two.png"), paths("s/two_three.png", "s/three.png")
    assert names_of(contents, [*styles]) == [
        "p-one_s-two_three.png",
        "one_three.png",
        "one_two_two_three.png",
        "p-one_two_s-three.png",
    ]


def test_a_name_that_is_shared_is_nobody_s() -> None:
    """Who adds a picture later must not find another's result under its name."""
    names = names_of(paths("portrait.png", "portrait_old.png"), paths("old_m.png", "m.png"))
    assert "portrait_old_m.png" not in names
    names = names_of(paths("a.png", "a.jpg"), paths("s.png"))
    assert "a_s.png" not in names


def test_names_do_not_depend_on_what_is_there(tmp_path: Path) -> None:
    contents, styles = paths("portrait.png", "portrait_old.png"), paths("old_m.png", "m.png")
    before = plan_jobs(contents, styles, tmp_path)
    before[1].output.touch()
    assert plan_jobs(contents, styles, tmp_path) == before


def test_mixtures_of_many_styles_fit_into_a_name() -> None:
    styles = paths(*(f"{'é' * 20}{number}.png" for number in range(30)))
    names = [job.output.name for job in plan_mixtures(paths("a.png", "b.png"), styles, "out")]
    assert len({*names}) == 2 and all(len(name.encode()) <= 255 for name in names)
