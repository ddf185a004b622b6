"""Layers that visitors paint on their photos, held in memory until they are used."""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass, field

_LEAST = 2 * 2**20
"""Bytes counted for the smallest editor, so that the limit in bytes also limits their number."""


@dataclass
class Editor:
    """The layers of one editor, its visitor, and when the last layer arrived."""

    visitor: str
    layers: list[bytes] = field(default_factory=list)
    time: float = 0.0

    @property
    def size(self) -> int:
        """What it counts, in bytes."""
        return max(_LEAST, sum(map(len, self.layers)))


class Layers:
    """Editors by their names, of at most `most_bytes` together.

    Above it, the oldest editor of the visitor with most bytes is deleted, so that nobody can push
    out another visitor's layers.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._editors: OrderedDict[str, Editor] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._editors)

    def __contains__(self, name: str) -> bool:
        return name in self._editors

    def put(self, name: str, visitor: str, index: int, layer: bytes) -> None:
        """Take a layer of an editor."""
        with self._lock:
            editor = self._editors.pop(name, None) or Editor(visitor)
            editor.layers += [b""] * (index + 1 - len(editor.layers))
            editor.layers[index] = layer
            editor.time = time.monotonic()
            self._editors[name] = editor
            while sum(each.size for each in self._editors.values()) > self._most:
                self._drop_one()

    def take(self, name: str) -> list[bytes]:
        """Return the layers of an editor, and forget it."""
        with self._lock:
            editor = self._editors.pop(name, None)
        return [layer for layer in (editor.layers if editor else []) if layer]

    def forget(self, seconds: float) -> None:
        """Forget the editors that were last painted in so long ago."""
        oldest = time.monotonic() - seconds
        with self._lock:
            for name in [name for name, each in self._editors.items() if each.time < oldest]:
                del self._editors[name]

    def _drop_one(self) -> None:
        held = Counter[str]()
        for editor in self._editors.values():
            held[editor.visitor] += editor.size
        ((greedy, _),) = held.most_common(1)
        name = next(name for name, each in self._editors.items() if each.visitor == greedy)
        del self._editors[name]
