"""What of a clip cannot be read."""

from __future__ import annotations

from dataclasses import dataclass

from stylekernel_hf.errors.messages import first_line


@dataclass
class Damage:
    """What of a clip could not be decoded."""

    packets: int = 0
    reason: str = ""

    def note(self, error: Exception) -> None:
        """Count a packet or picture, and keep the first reason."""
        self.packets += 1
        self.reason = self.reason or first_line(error)
