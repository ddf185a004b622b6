"""What of a clip cannot be read."""

from __future__ import annotations

from dataclasses import dataclass

from stylekernel_hf.errors.messages import first_line

_BEFORE_A_KEY_FRAME = 2
"""Pictures after what is in doubt: no recording begins, where none of them is a key frame."""


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
    """Tells damage of a transport stream from the seams of recordings that were joined.

    FFmpeg marks pictures where the counter of their stream does not go on, and decoders may fail at
    sound. So it is where recordings were joined, of which nothing is missing; there a key frame
    follows soon, or the times jump.
    """

    def __init__(self) -> None:
        self._in_doubt = 0
        self._whole_since = 0

    def doubt(self) -> None:
        """Take a packet of pictures that is marked, or one of sound that cannot be decoded."""
        self._in_doubt, self._whole_since = self._in_doubt + 1, 0

    def go_on(self) -> int:
        """Take a picture that is no key frame; return how many in doubt are known as damaged."""
        self._whole_since += 1
        if self._whole_since < _BEFORE_A_KEY_FRAME:
            return 0
        found, self._in_doubt = self._in_doubt, 0
        return found

    def clear(self) -> None:
        """Forget what is in doubt: recordings were joined here, or it is known."""
        self._in_doubt = 0
