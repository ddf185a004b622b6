"""Which checkpoint encoded a style: its name, and the id that its config file holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylekernel_hf.errors.given_values import shown

_LONGEST_NAME = 300
_ID = re.compile(r"[0-9a-f]{16}")


def shared_name(origin: str) -> str:
    """Return the name of a checkpoint in files that are shared: of a path only the end.

    They tell nothing of their maker's folders.
    """
    path = Path(origin)
    return path.resolve().name if path.exists() else origin


@dataclass(frozen=True)
class CheckpointIdentity:
    """Tells checkpoints apart by their ids, which copies in other dtypes share.

    `name` is for people. `id` is None if the style was encoded before checkpoints had ids.
    """

    name: str
    id: str | None

    def may_be(self, other: CheckpointIdentity) -> bool:
        """Return whether both have the same id; one without an id may be any checkpoint."""
        return self.id is None or other.id is None or self.id == other.id

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {"name": self.name, "id": self.id}

    @staticmethod
    def from_json(value: Mapping[str, Any], origin: object) -> CheckpointIdentity:
        """Read what `to_json` returned; ValueError with the file of origin for anything else."""
        name = value.get("name")
        try:
            if not isinstance(name, str) or len(name) > _LONGEST_NAME:
                raise ValueError(
                    f"name must be a text of at most {_LONGEST_NAME} characters, got {shown(name)}"
                )
            # Styles that are older than ids have a signature of the weights instead.
            if "id" not in value and "signature" not in value:
                raise ValueError("it has no id")
            return CheckpointIdentity(name, check_id(value.get("id")))
        except ValueError as error:
            raise ValueError(
                f"style: the checkpoint in the metadata of '{origin}' is damaged: {error}"
            ) from error


def check_id(value: object) -> str | None:
    """Return a checkpoint id, or None for none; ValueError for anything else."""
    if value is None or (isinstance(value, str) and _ID.fullmatch(value)):
        return value
    raise ValueError(f"checkpoint id must be 16 hexadecimal digits, got {shown(value)}")
