"""The queue of requests whose models may first have to be fetched from the Hub."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from weakref import WeakKeyDictionary

import gradio as gr
from fastapi import Request
from gradio.queueing import Event

from demo.fair_queue import FairQueue
from demo.limits import Limits
from demo.messages import AbandonedError, VisitorError
from demo.models import ModelShelf
from demo.watched import WatchedPipeline, is_wanted

logger = logging.getLogger(__name__)

MODEL = "model"
"""Identifies the input that names a model."""
_FETCHES = "fetches"


class FetchingQueue(FairQueue):
    """A FairQueue whose events wait for their models without occupying a slot.

    One model is fetched at a time, of the address whose turn it is; those who wait for it are told
    if it cannot be had, and it is given up when nobody waits for it any more.
    """

    def __init__(self, blocks: gr.Blocks, limits: Limits, models: ModelShelf) -> None:
        super().__init__(blocks, limits)
        self._models = models
        self._named: WeakKeyDictionary[Event, str] = WeakKeyDictionary()
        # Models in use stay in memory.
        self._at_work: WeakKeyDictionary[Event, WatchedPipeline] = WeakKeyDictionary()
        self._fetch: asyncio.Task[None] | None = None

    async def push(self, body: Any, request: Request, username: str | None) -> Any:
        """Add an event, as FairQueue does, and note the model it names."""
        answer = await super().push(body, request, username)
        event = self.event_ids_to_events.get(str(answer[1]))
        if event and (name := self._models.id_of(_named_model(event))):
            self._named[event] = name
        return answer

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """Return the event to start next, and have the next model fetched."""
        if self._named and self._fetch is None:
            self._start_fetch()
        found = super().get_events()
        for event in found[0] if found else ():
            pipe = self._models.ready(self._named[event]) if event in self._named else None
            if pipe is not None:
                self._at_work[event] = pipe
        return found

    def _may_start(self, event: Event) -> bool:
        return super()._may_start(event) and not self._lacks_model(event)

    def _lacks_model(self, event: Event) -> bool:
        return event in self._named and self._models.ready(self._named[event]) is None

    def _start_fetch(self) -> None:
        lacking = [each for each in self._waiting() if self._lacks_model(each)]
        if heard := [each for each in lacking if self._silence(each) == 0]:
            event = min(heard, key=lambda each: self._rank(each, _FETCHES))
            self._give_turn(event, _FETCHES)
            self._fetch = asyncio.create_task(self._fetch_model(self._named[event]))

    async def _fetch_model(self, name: str) -> None:
        is_wanted.set(lambda: any(self._is_wanted(event) for event in self._waiting_for(name)))
        words = ""
        try:
            await asyncio.to_thread(self._models.fetch, name)
        except AbandonedError:
            pass
        except VisitorError as error:
            words = str(error)
        except Exception:
            logger.exception("fetching a model failed")
            words = "Something went wrong on the server; this has been noted. Please try again."
        finally:
            self._fetch = None
        if words:
            for event in self._waiting_for(name):
                self.end(event, words)

    def _waiting_for(self, name: str) -> list[Event]:
        return [event for event in self._waiting() if self._named.get(event) == name]


def _named_model(event: Event) -> Any:
    values = event.data.data if event.data else []
    for block, value in zip(event.fn.inputs, values, strict=False):
        if getattr(block, "elem_id", None) == MODEL:
            return value
    return None
