"""What of a clip cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stylekernel_hf.errors.messages import first_line

_BEFORE_A_KEY_FRAME = 2
"""Packets after those that are marked: no recording begins, where none of them is a key frame."""


@dataclass
class Damage:
    """What of a clip could not be decoded."""

    packets: int = 0
    reason: str = ""

    def note(self, error: Exception) -> None:
        """Count a packet or picture, and keep the first reason."""
        self.packets += 1
        self.reason = self.reason or first_line(error)


class LostParts:
    """Finds the packets of a transport stream that lack parts, though decoders take them.

    FFmpeg marks packets where the counter of a stream does not go on. So it does where recordings
    were joined, of which nothing is missing; there a key frame follows soon, or the times jump.
    """

    def __init__(self) -> None:
        self._marked = 0
        """Packets that are in doubt."""
        self._whole_since = 0

    def look(self, packet: Any) -> int:
        """Take the next packet; return how many of those before it are now known to lack parts."""
        if packet.is_keyframe:
            self.clear()
        if packet.is_corrupt:
            self._marked, self._whole_since = self._marked + 1, 0
            return 0
        self._whole_since += 1
        if self._whole_since < _BEFORE_A_KEY_FRAME:
            return 0
        found, self._marked = self._marked, 0
        return found

    def clear(self) -> None:
        """Forget the packets that are in doubt: recordings were joined here, or they are known."""
        self._marked = 0
