"""Who may ask for how much, and when work ends."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch

from demo.fair_queue import FairQueue
from demo.watched import WatchedPipeline
from tests.demo.visitor import PATIENCE, Visitor, inputs_of, until
from tests.tiny import save_picture

LARGE, SMALL = ("full_size", "stylize_folder"), ("stylize", "explain")


@dataclass
class Painter:
    """Work of a network that has no end by itself, as long as a test waits for one."""

    begun: int = 0
    ended: int = 0
    at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    deaf: threading.Event = field(default_factory=threading.Event)
    """Set to let it hear that it is to end; until then no operation of torch is done."""

    def work(self, *_: object, **__: object) -> None:
        with self.lock:
            self.begun += 1
            self.at_once = max(self.at_once, self.begun - self.ended)
        try:
            self.deaf.wait(2 * PATIENCE)
            for _ in range(400 * PATIENCE):
                torch.zeros(1)
                time.sleep(0.005)
        finally:
            with self.lock:
                self.ended += 1


@pytest.fixture
def painter(monkeypatch: pytest.MonkeyPatch) -> Painter:
    painter = Painter()
    painter.deaf.set()
    for method in ("__call__", "explain"):
        monkeypatch.setattr(WatchedPipeline, method, painter.work)
    return painter


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return save_picture(tmp_path / "photo.png", (64, 48))


def all_listen(queue: FairQueue) -> bool:
    """Say whether somebody listens for each answer that waits to be begun."""
    return all(queue._silence(event) == 0 for event in queue._waiting())


def end_all(queue: FairQueue) -> None:
    """End all events, those worked on and those that wait."""
    for event in list(queue.event_ids_to_events.values()):
        queue.end(event, "Enough.")


@pytest.fixture(autouse=True)
def queue(app: gr.Blocks) -> Iterator[FairQueue]:
    """The queue of the app, which a test leaves empty."""
    queue = app._queue
    assert isinstance(queue, FairQueue)
    yield queue
    end_all(queue)


@pytest.mark.parametrize("how", ["cancel", "close"])
@pytest.mark.parametrize("name", [*SMALL, *LARGE])
def test_work_ends_when_whoever_asked_is_gone(
    app: gr.Blocks, painter: Painter, photo: Path, name: str, how: str
) -> None:
    visitor = Visitor(app)
    event = visitor.join(name, visitor.upload(photo)).json()["event_id"]
    for message in visitor.messages():
        if message["msg"] == "process_starts":
            assert until(lambda: painter.begun == 1)
            break
    # The stream is closed by now.
    if how == "cancel":
        visitor.cancel(name, event)
    assert until(lambda: painter.ended == 1)


def test_cancelled_work_ends_while_its_session_listens(
    app: gr.Blocks, painter: Painter, photo: Path
) -> None:
    visitor = Visitor(app)
    event = visitor.join("full_size", visitor.upload(photo)).json()["event_id"]
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(visitor.answer)
        assert until(lambda: painter.begun == 1)
        visitor.cancel("full_size", event)
        assert until(lambda: painter.ended == 1)
        assert answer.result(PATIENCE)["success"]


def test_slot_stays_taken_until_cancelled_work_has_ended(
    app: gr.Blocks, queue: FairQueue, painter: Painter, photo: Path
) -> None:
    painter.deaf.clear()
    visitors = [Visitor(app) for _ in range(3)]
    picture = visitors[0].upload(photo)
    with ThreadPoolExecutor() as pool:
        for visitor in visitors:
            event = visitor.join("full_size", picture).json()["event_id"]
            pool.submit(visitor.answer)
            if visitor is visitors[0]:
                assert until(lambda: painter.begun == 1)
            assert until(lambda: all_listen(queue))
            # Time to begin what must not be begun.
            time.sleep(0.1)
            visitor.cancel("full_size", event)
        painter.deaf.set()
        assert until(lambda: painter.begun == painter.ended)
    assert painter.at_once == 1


def test_request_that_nobody_listens_to_is_not_begun(
    app: gr.Blocks, painter: Painter, queue: FairQueue, photo: Path, monkeypatch: Any
) -> None:
    visitor = Visitor(app)
    picture = visitor.upload(photo)
    visitor.join("stylize", picture)
    visitor.http.post("/call/full_size", json={"data": inputs_of("full_size", picture)})
    time.sleep(0.2)
    assert painter.begun == 0 and len(queue) == 2
    monkeypatch.setattr(queue, "_limits", replace(queue._limits, patience=0))
    assert until(lambda: len(queue) == 0)
    assert painter.begun == 0


def test_answer_can_be_asked_for_later(app: gr.Blocks, photo: Path) -> None:
    visitor = Visitor(app)
    data = inputs_of("stylize", visitor.upload(photo))
    event = visitor.http.post("/call/stylize", json={"data": data}).json()["event_id"]
    time.sleep(0.2)
    assert "event: complete" in visitor.http.get(f"/call/stylize/{event}").text


def test_session_has_few_places_and_is_told_so(app: gr.Blocks, photo: Path) -> None:
    visitor = Visitor(app)
    picture = visitor.upload(photo)
    answers = [visitor.join("stylize", picture) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429, 429]
    assert "You have 2 requests waiting here already" in answers[-1].json()["detail"]
    assert visitor.join("full_size", picture).status_code == 200
    assert Visitor(app).join("stylize", picture).status_code == 200
    assert visitor.answer()["success"]
    assert until(lambda: visitor.join("stylize", picture).status_code == 200)
    visitor.answer()


@pytest.mark.parametrize("number", [9999, -1])
def test_page_of_an_earlier_server_is_told_to_load_again(app: gr.Blocks, number: int) -> None:
    visitor = Visitor(app)
    body = {"data": [], "fn_index": number, "session_hash": visitor.session}
    answer = visitor.http.post("/queue/join", json=body)
    assert answer.status_code == 410
    assert answer.json()["detail"] == "The server has changed since. Please load the page again."


def test_full_queue_has_room_for_another_address(
    app: gr.Blocks, queue: FairQueue, painter: Painter, photo: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(queue, "_limits", replace(queue._limits, waiting=6))
    monkeypatch.setattr(queue, "max_size", 6)
    # However long it takes until they listen.
    monkeypatch.setattr("demo.fair_queue._LATE", 2 * PATIENCE)
    greedy, other = Visitor(app), Visitor(app, "127.0.0.2")
    picture = greedy.upload(photo)
    sessions = [uuid.uuid4().hex for _ in range(9)]
    with ThreadPoolExecutor(10) as pool:
        taken: list[Future[dict[str, Any]]] = []
        for session in sessions:
            answer = greedy.join("stylize", picture, session=session)
            if answer.status_code == 200:
                taken.append(pool.submit(greedy.answer, session))
                assert until(lambda: painter.begun == 1)
        # One is worked on, and six wait.
        assert len(taken) == 7 and answer.status_code == 503
        assert "Many people are waiting here" in answer.json()["detail"]
        assert [other.join("stylize", picture).status_code for _ in range(3)] == [200, 200, 429]
        sent_away = [answer.result(PATIENCE) for answer in taken[-2:]]
        assert all("come back in a minute" in each["output"]["error"] for each in sent_away)
        assert len(queue) == 6 and not any(answer.done() for answer in taken[:-2])
        end_all(queue)


def test_full_queue_has_room_for_those_who_listen(
    app: gr.Blocks, queue: FairQueue, painter: Painter, photo: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(queue, "_limits", replace(queue._limits, waiting=4))
    monkeypatch.setattr(queue, "max_size", 4)
    monkeypatch.setattr("demo.fair_queue._LATE", 0.05)
    visitor = Visitor(app)
    picture = visitor.upload(photo)
    for _ in range(4):
        visitor.join("stylize", picture, session=uuid.uuid4().hex)
    time.sleep(0.1)
    assert visitor.join("stylize", picture).status_code == 200
    with ThreadPoolExecutor() as pool:
        pool.submit(visitor.answer)
        assert until(lambda: painter.begun == 1)
        end_all(queue)


def test_addresses_take_turns(
    app: gr.Blocks, queue: FairQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, painted, real = threading.Event(), [], WatchedPipeline.__call__

    def noted(pipe: WatchedPipeline, content: Any, *arguments: Any, **options: Any) -> Any:
        painted.append(content.width)
        go_on.wait(2 * PATIENCE)
        return real(pipe, content, *arguments, **options)

    monkeypatch.setattr(WatchedPipeline, "__call__", noted)
    greedy, other = Visitor(app), Visitor(app, "127.0.0.2")
    many, few = (greedy.upload(save_picture(tmp_path / f"{n}.png", (n, 48))) for n in (64, 80))
    with ThreadPoolExecutor(10) as pool:
        answers = []
        for visitor, picture in [(greedy, many)] * 5 + [(other, few)] * 2:
            session = uuid.uuid4().hex
            assert visitor.join("stylize", picture, session=session).status_code == 200
            answers.append(pool.submit(visitor.answer, session))
            assert until(lambda: painted == [64])
        assert until(lambda: all_listen(queue))
        go_on.set()
        assert all(answer.result(PATIENCE)["success"] for answer in answers)
    assert painted[:5] == [64, 64, 80, 64, 80] or painted[:5] == [64, 80, 64, 80, 64]
    assert painted[5:] == [64, 64]


def test_no_statistics_are_computed_that_nobody_sees(
    app: gr.Blocks, queue: FairQueue, photo: Path
) -> None:
    """Over thousands of records, after every event, they would take longer than a small picture."""
    visitor = Visitor(app)
    visitor.join("stylize", visitor.upload(photo))
    assert visitor.answer()["success"]
    assert until(lambda: not queue.event_ids_to_events)
    assert queue.event_analytics and queue.cached_event_analytics_summary == {"functions": {}}


def test_small_request_does_not_wait_for_a_large_one(
    app: gr.Blocks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, real = threading.Event(), threading.Event(), WatchedPipeline.__call__

    def slow_if_wide(pipe: WatchedPipeline, content: Any, *arguments: Any, **options: Any) -> Any:
        if content.width == 80:
            begun.set()
            go_on.wait(2 * PATIENCE)
        return real(pipe, content, *arguments, **options)

    monkeypatch.setattr(WatchedPipeline, "__call__", slow_if_wide)
    one, other = Visitor(app), Visitor(app)
    small, wide = (one.upload(save_picture(tmp_path / f"{n}.png", (n, 48))) for n in (64, 80))
    with ThreadPoolExecutor() as pool:
        one.join("full_size", wide)
        large = pool.submit(one.answer)
        assert begun.wait(PATIENCE)
        other.join("stylize", small)
        assert other.answer()["success"] and not large.done()
        go_on.set()
        assert large.result(PATIENCE)["success"]


def test_series_of_small_pictures_does_not_wait_for_a_large_one(
    app: gr.Blocks, painter: Painter, photo: Path
) -> None:
    one, other = Visitor(app), Visitor(app)
    picture = one.upload(photo)
    with ThreadPoolExecutor() as pool:
        one.join("full_size", picture)
        large = pool.submit(one.answer)
        assert until(lambda: painter.begun == 1)
        series = {
            "data": [picture, None],
            "fn_index": other.functions["try_all"],
            "session_hash": other.session,
        }
        assert other.http.post("/queue/join", json=series).status_code == 200
        pool.submit(other.answer)
        assert until(lambda: painter.begun == 2) and not large.done()
        end_all(app._queue)
