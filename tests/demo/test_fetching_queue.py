"""Requests that name models of the Hub, and the others meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from demo.catalog import painting_path
from demo.studio import Studio
from tests.demo.conftest import tiny_pipeline
from tests.demo.pictures import difference, opened
from tests.demo.slow_hub import answer_forever
from tests.demo.visitor import PATIENCE, Visitor, until
from tests.hub.hub_server import HubServer, files_of
from tests.tiny import save_picture, tiny_model


@pytest.fixture
def models(hub: HubServer, tmp_path: Path) -> None:
    for name in ("slow", "good"):
        tiny_pipeline(seed=1).model.save_repository(tmp_path / name)
        hub.add(f"painter/{name}", files_of(tmp_path / name))


@pytest.fixture
def asked(models: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of the Hub that arrives a byte at a time."""
    return answer_forever(monkeypatch, "painter/slow/resolve", pause=0.2)


@pytest.fixture(autouse=True)
def shelf(app: gr.Blocks, studio: Studio) -> Iterator[Any]:
    """An empty shelf, and an empty queue in the end."""
    shelf = studio.models
    for remembered in (shelf._kept, shelf._alive, shelf._refusals):
        remembered.clear()
    yield shelf
    for event in list(app._queue.event_ids_to_events.values()):
        app._queue.end(event, "Enough.")
    assert until(lambda: app._queue._fetch is None)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return save_picture(tmp_path / "photo.png", (64, 48))


@pytest.mark.parametrize("name", ["stylize", "full_size", "stylize_folder", "explain"])
def test_slow_model_holds_nobody_who_wants_another(
    app: gr.Blocks, asked: list[str], photo: Path, name: str
) -> None:
    one, other = Visitor(app), Visitor(app)
    picture = one.upload(photo)
    one.join(name, picture, model="painter/slow")
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(one.answer)
        assert until(lambda: asked)
        for each in ("stylize", "full_size"):
            other.join(each, picture)
            assert other.answer()["success"]
        assert not slow.done()
        app._queue.end(next(app._queue._waiting()), "Enough.")
        assert slow.result(PATIENCE)["output"]["error"] == "Enough."


def test_fetch_ends_when_its_visitor_is_gone(app: gr.Blocks, asked: list[str], photo: Path) -> None:
    one, other = Visitor(app), Visitor(app, "127.0.0.2")
    picture = one.upload(photo)
    one.join("stylize", picture, model="painter/slow")
    for message in one.messages():
        if message["msg"] == "estimation":
            assert until(lambda: asked)
            break
    assert until(lambda: "hung up" in asked)
    other.join("full_size", picture, model="painter/good")
    answer = other.answer()
    expected = tiny_pipeline(seed=1)
    result = opened(other.fetch(answer["output"]["data"][0]))
    assert difference(result, expected(photo, painting_path("Mosaic")).images[0]) == 0


def test_visitors_are_told_what_became_of_their_model(
    app: gr.Blocks, asked: list[str], shelf: Any, photo: Path, monkeypatch: Any
) -> None:
    seconds, ahead = shelf._limits.fetch_seconds, [0.0]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + ahead[0])
    monkeypatch.setattr("demo.hub_fetch.time", clock)
    visitors = {name: Visitor(app) for name in ("slow", "good", "none")}
    picture = visitors["slow"].upload(photo)
    with ThreadPoolExecutor() as pool:
        answers = {}
        for name, visitor in visitors.items():
            visitor.join("stylize", picture, model=f"painter/{name}")
            answers[name] = pool.submit(visitor.answer)
            assert until(lambda: asked)
        # The time of the slow one is up; the others will have as much.
        ahead[0] = seconds
        told = {name: answer.result(PATIENCE)["output"] for name, answer in answers.items()}
    assert f"did not arrive within {seconds:.0f} seconds" in told["slow"]["error"]
    assert "has no public model “painter/none”" in told["none"]["error"]
    assert len(told["good"]["data"][0]) == 2


def test_model_that_is_not_offered_is_refused_at_once(
    app: gr.Blocks, hub: HubServer, shelf: Any, photo: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(shelf, "_limits", replace(shelf._limits, models=("painter/good",)))
    visitor = Visitor(app)
    visitor.join("stylize", visitor.upload(photo), model="painter/slow")
    error = visitor.answer()["output"]["error"]
    assert "offers only the models “small (built in)”, painter/good" in error
    assert not hub.log


def test_addresses_take_turns_in_fetching(
    app: gr.Blocks, hub: HubServer, photo: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    asked = answer_forever(monkeypatch, "painter/slow0/resolve", pause=0.2)
    for name in ("slow0", "slow1", "slow2", "good"):
        tiny_model().save_repository(tmp_path / name)
        hub.add(f"painter/{name}", files_of(tmp_path / name))
    greedy, other = Visitor(app), Visitor(app, "127.0.0.2")
    picture = greedy.upload(photo)
    with ThreadPoolExecutor() as pool:
        for number in range(3):
            session = f"{greedy.session}{number}"
            greedy.join("stylize", picture, session=session, model=f"painter/slow{number}")
            pool.submit(greedy.answer, session)
            assert until(lambda: asked)
        other.join("stylize", picture, model="painter/good")
        answer = pool.submit(other.answer)
        assert until(lambda: all(app._queue._silence(e) == 0 for e in app._queue._waiting()))
        app._queue.end(next(app._queue._waiting()), "Enough.")
        assert answer.result(PATIENCE)["success"]
        fetched = [path for method, path in hub.log if "/tree/" in path]
        assert [path.split("/")[4] for path in fetched[:3]].index("good") <= 2
