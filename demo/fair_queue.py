"""The queue of requests: equal shares for all visitors, and no work for visitors who left."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import gradio as gr
from fastapi import HTTPException, Request
from gradio.queueing import Event, EventQueue, Queue
from gradio.server_messages import EventMessage, ProcessCompletedMessage
from gradio.utils import error_payload

from demo.limits import Limits
from demo.visitors import address_of, is_relayed
from demo.watched import is_wanted

_LATE = 3
"""Seconds within which a client listens for the answer after it has asked."""
_GONE = 10
"""Seconds without a listener after which work is abandoned, even if Gradio reports nothing."""
_SESSIONS = 20_000


class Messages(asyncio.Queue[EventMessage]):
    """Messages of one session, with a record of whether it listens."""

    def __init__(self) -> None:
        super().__init__()
        self._listeners = 0
        self._left = time.monotonic()

    @property
    def silence(self) -> float:
        """Seconds since somebody listened; 0 while somebody does."""
        return 0.0 if self._listeners else time.monotonic() - self._left

    async def get(self) -> EventMessage:
        """Wait for the next message."""
        self._listeners += 1
        try:
            return await super().get()
        finally:
            self._listeners -= 1
            self._left = time.monotonic()

    def put_nowait(self, item: EventMessage) -> None:
        """Add a message; while nobody listens, keep only a few and the final one."""
        if self._listeners or self.qsize() < 8 or isinstance(item, ProcessCompletedMessage):
            super().put_nowait(item)


@dataclass
class _Ticket:
    """The address that sent an event, and how many events had started before it."""

    address: str
    turn: int


class FairQueue(Queue):
    """Gradio's queue with turns for each address and a limit on each session's waiting events.

    An event is started once its session listens for the answer. It keeps its slot until its thread
    has ended; cancelled, or without a listener, it is not wanted any more, which `is_wanted` tells
    the thread.
    """

    def __init__(self, blocks: gr.Blocks, limits: Limits) -> None:
        super().__init__(
            live_updates=True,
            concurrency_count=blocks.max_threads,
            update_intervals=1,
            max_size=limits.waiting,
            blocks=blocks,
            default_concurrency_limit=2,
        )
        self.sleep_when_free = 0.002
        self.pending_messages_per_session.max_size = _SESSIONS
        self._limits = limits
        self._tickets: WeakKeyDictionary[Event, _Ticket] = WeakKeyDictionary()
        self._turn = 0
        self._looked = 0.0
        self._served: dict[tuple[str, str], int] = {}
        self._works: set[asyncio.Task[None]] = set()

    async def push(self, body: Any, request: Request, username: str | None) -> Any:
        """Add an event; raise HTTPException if its session, or the whole queue, is full.

        A page that was loaded from an earlier version of the server may ask for what is not there.
        """
        if body.fn_index is not None and body.fn_index not in self.blocks.fns:
            raise HTTPException(410, "The server has changed since. Please load the page again.")
        self._forget_sessions()
        self._check_session(body, request)
        address = address_of(request)
        if len(self) >= self._limits.waiting and not self._make_room(address):
            raise HTTPException(503, "Many people are waiting here. Please come back in a minute.")
        # Every request gets its own session, which shows whether somebody listens.
        body.session_hash = body.session_hash or uuid.uuid4().hex
        self.pending_messages_per_session.setdefault(body.session_hash, Messages())
        answer = await super().push(body, request, username)
        if event := self.event_ids_to_events.get(str(answer[1])):
            self._tickets[event] = _Ticket(address, self._turn)
        return answer

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """Return the next event: the one whose address has waited longest for a turn."""
        self._end_unheard()
        for lane in list(self.event_queue_per_concurrency_id.values()):
            limit = lane.concurrency_limit
            if limit is not None and lane.current_concurrency >= limit:
                continue
            if ready := [event for event in lane.queue if self._may_start(event)]:
                name = lane.concurrency_id
                event = min(ready, key=lambda each, name=name: self._rank(each, name))
                lane.queue.remove(event)
                self._give_turn(event, name)
                return [event], False, name
        return None

    def process_events(self, events: list[Event], *arguments: Any) -> Any:
        """Process an event; its slot stays occupied until its thread ends, even if cancelled."""
        work = asyncio.get_running_loop().create_task(self._work(events, *arguments))
        self._works.add(work)
        work.add_done_callback(self._works.discard)
        return _until_cancelled(work, events)

    async def _work(self, events: list[Event], *arguments: Any) -> None:
        is_wanted.set(lambda: any(self._is_wanted(event) for event in events))
        await super().process_events(events, *arguments)

    async def remove_from_queue(self, event_id: str) -> None:
        """Remove a cancelled event; if it is being processed, its work ends soon."""
        if event := self.event_ids_to_events.get(event_id):
            event.alive = False
        await super().remove_from_queue(event_id)

    async def reset_iterators(self, event_id: str) -> None:
        """Forget a series of answers; cancelling one forgets it at the same time."""
        with contextlib.suppress(KeyError):
            await super().reset_iterators(event_id)

    def compute_analytics_summary(self, records: Any) -> dict[str, Any]:
        """Sum up nothing: Gradio's monitoring page, which nobody can open here, would show it."""
        return self.cached_event_analytics_summary

    def end(self, event: Event, words: str) -> None:
        """End an event, waiting or worked on, and tell its session why."""
        output = error_payload(gr.Error(words, print_exception=False), False)
        if event.session_hash in self.pending_messages_per_session:
            self.send_message(event, ProcessCompletedMessage(output=output, success=False))
        event.alive = False
        lane = self.event_queue_per_concurrency_id[event.concurrency_id]
        if event in lane.queue:
            lane.queue.remove(event)
            self.event_ids_to_events.pop(event._id, None)

    def _check_session(self, body: Any, request: Request) -> None:
        # Over MCP all requests share one session of Gradio's own client.
        if body.session_hash is None or is_relayed(request):
            return
        lane = self._lane_of(body)
        waiting = [each for each in lane if each.session_hash == body.session_hash]
        if len(waiting) >= self._limits.waiting_each:
            raise HTTPException(
                429,
                f"You have {len(waiting)} requests waiting here already. Please wait for one of "
                "them to be done, or cancel it.",
            )

    def _lane_of(self, body: Any) -> list[Event]:
        fn = self.blocks.fns.get(body.fn_index)
        lane = self.event_queue_per_concurrency_id.get(fn.concurrency_id) if fn else None
        return lane.queue if lane else []

    def _make_room(self, address: str) -> bool:
        """End the event of a session that does not listen, or of the address with most events."""
        waiting = list(self._waiting())
        silent = max(waiting, key=self._silence)
        if self._silence(silent) > _LATE:
            self.end(silent, "Nobody listened for the answer.")
            return True
        counts = Counter(self._tickets[event].address for event in waiting)
        greedy, count = counts.most_common(1)[0]
        if count <= counts[address] + 1:
            return False
        last = [event for event in waiting if self._tickets[event].address == greedy][-1]
        self.end(
            last,
            f"Many people are waiting here, and {count} requests come from where you are. Please "
            "come back in a minute.",
        )
        return True

    def _may_start(self, event: Event) -> bool:
        return self._silence(event) == 0

    def _rank(self, event: Event, lane: str) -> int:
        """Rank an event: by its address's last turn in a lane, or by when it came."""
        ticket = self._tickets[event]
        return max(ticket.turn, self._served.get((lane, ticket.address), 0))

    def _give_turn(self, event: Event, lane: str) -> None:
        self._turn += 1
        self._served[lane, self._tickets[event].address] = self._turn

    def _end_unheard(self) -> None:
        if time.monotonic() < self._looked + 0.2:
            return
        self._looked = time.monotonic()
        for event in list(self._waiting()):
            if self._silence(event) > self._limits.patience:
                self.end(event, "Nobody listened for the answer.")

    def _waiting(self) -> Iterator[Event]:
        lanes: list[EventQueue] = list(self.event_queue_per_concurrency_id.values())
        return itertools.chain.from_iterable(lane.queue for lane in lanes)

    def _silence(self, event: Event) -> float:
        """Seconds since somebody listened for the event's answer."""
        messages = self.pending_messages_per_session.get(event.session_hash)
        return messages.silence if isinstance(messages, Messages) else float("inf")

    def _is_wanted(self, event: Event) -> bool:
        return event.alive and self._silence(event) < _GONE and not self.stopped

    def _forget_sessions(self) -> None:
        """Forget the messages of sessions that neither wait nor listen, and turns long past."""
        if not len(self):
            self._served.clear()
        busy = {event.session_hash for event in self.event_ids_to_events.values()}
        for session, messages in list(self.pending_messages_per_session.items()):
            if session in busy or not isinstance(messages, Messages):
                continue
            if messages.silence > (_LATE if messages.empty() else self._limits.patience):
                del self.pending_messages_per_session[session]
                self.pending_event_ids_session.pop(session, None)


async def _until_cancelled(work: asyncio.Task[None], events: list[Event]) -> None:
    """Wait for work; if the wait is cancelled, mark the work as unwanted."""
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        for event in events:
            event.alive = False
        raise
