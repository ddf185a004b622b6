"""The checkpoints that visitors can choose: the embedded one, and those of the Hub by id."""

from __future__ import annotations

import contextlib
import re
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from weakref import WeakValueDictionary

from gradio.utils import get_upload_folder

from demo.hub_fetch import fetch
from demo.limits import Limits
from demo.messages import VisitorError
from demo.watched import WatchedPipeline, check_request
from stylekernel_hf import StyleKernelModel, StyleKernelPipeline, pipeline

EMBEDDED = "small (built in)"
_HUB_ID = re.compile(r"[\w-][\w.-]{0,95}/[\w-][\w.-]{0,95}")
_KEPT = 2
"""Checkpoints of the Hub that stay in memory; none stays on the disk."""
_REFUSAL_SECONDS, _REFUSALS = 60, 100
"""Seconds before a checkpoint that failed is fetched again, and how many are remembered."""


class ModelShelf:
    """Ready pipelines by name; those of the Hub are fetched one at a time when first asked for.

    `embedded` is the pipeline to serve as the built-in one; by default that of the package.
    """

    def __init__(self, limits: Limits, embedded: StyleKernelPipeline | None = None) -> None:
        self._limits = limits
        self._embedded = WatchedPipeline((embedded or pipeline("style-kernel")).model)
        self._kept: OrderedDict[str, WatchedPipeline] = OrderedDict()
        # Pipelines in use are found even after newer ones replaced them on the shelf.
        self._alive: WeakValueDictionary[str, WatchedPipeline] = WeakValueDictionary()
        self._refusals: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._lock = threading.Lock()
        self._fetching = threading.Lock()

    def get(self, name: str | None) -> WatchedPipeline:
        """Return the pipeline, fetching it if necessary; raise VisitorError if that fails."""
        name = self._checked(name)
        return self.ready(name) or self.fetch(name)

    def ready(self, name: str) -> WatchedPipeline | None:
        """Return the pipeline if it is in memory."""
        if name == EMBEDDED:
            return self._embedded
        with self._lock:
            pipe = self._alive.get(name)
            if pipe is not None:
                self._keep(name, pipe)
            return pipe

    def id_of(self, name: object) -> str | None:
        """Return the id of a model of the Hub that is served; None for whatever else is named."""
        with contextlib.suppress(VisitorError):
            name = self._checked(name)
            return None if name == EMBEDDED else name
        return None

    def fetch(self, name: str) -> WatchedPipeline:
        """Fetch a checkpoint of the Hub and keep it in memory; raise VisitorError if that fails.

        Ends early as `check_request` tells.
        """
        while not self._fetching.acquire(timeout=0.1):
            check_request()
        try:
            pipe = self.ready(name)
            if pipe is None:
                with self._remembered_refusal(name):
                    pipe = self._load(name)
            with self._lock:
                self._keep(name, pipe)
            return pipe
        finally:
            self._fetching.release()

    def _checked(self, name: object) -> str:
        """Return the name without spaces around it; VisitorError for one that is not served."""
        if name is None or name == "":
            return EMBEDDED
        name = name.strip() if isinstance(name, str) else name
        if name == EMBEDDED:
            return EMBEDDED
        if not isinstance(name, str) or not _HUB_ID.fullmatch(name):
            raise VisitorError(
                f"Model must be “{EMBEDDED}” or the id of a repository on the Hugging Face Hub, "
                f"such as owner/name; got “{name}”."
            )
        served = self._limits.models
        if served is not None and not any(fnmatchcase(name, pattern) for pattern in served):
            names = ", ".join((f"“{EMBEDDED}”", *served))
            raise VisitorError(f"This server offers only the models {names}; got “{name}”.")
        return name

    def _load(self, name: str) -> WatchedPipeline:
        # There, it is deleted by its age if this process is killed meanwhile.
        home = get_upload_folder()
        Path(home).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="stylekernel-model-", dir=home) as folder:
            fetch(name, Path(folder), self._limits)
            try:
                network = StyleKernelModel.from_pretrained(folder)
            except (OSError, ValueError, TypeError) as error:
                raise VisitorError(
                    f"“{name}” is not a checkpoint of this network, or is not whole."
                ) from error
        network.origin = name
        pipe = WatchedPipeline(network)
        pipe.to(self._embedded.device)
        return pipe

    def _keep(self, name: str, pipe: WatchedPipeline) -> None:
        self._alive[name] = self._kept[name] = pipe
        self._kept.move_to_end(name)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    @contextlib.contextmanager
    def _remembered_refusal(self, name: str) -> Iterator[None]:
        """Raise what was raised for the name lately, or remember what is raised within."""
        until, words = self._refusals.get(name, (0.0, ""))
        if time.monotonic() < until:
            raise VisitorError(words)
        try:
            yield
        except VisitorError as error:
            self._refusals[name] = time.monotonic() + _REFUSAL_SECONDS, str(error)
            self._refusals.move_to_end(name)
            while len(self._refusals) > _REFUSALS:
                self._refusals.popitem(last=False)
            raise
