"""What the card of one of our own repositories is made of."""

from __future__ import annotations

import shutil
from pathlib import Path

from stylekernel_hf.hub.card import CARD_NAME, CardDetails
from stylekernel_hf.hub.configs import read_json_object
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT

_KEYS = ("license", "base_model", "datasets", "tags", "samples")


def checkpoint_of(source: Path) -> Path:
    """Return the source's own weights, in its folder model/, or else the embedded ones."""
    own = source / "model"
    return own if own.is_dir() else EMBEDDED_CHECKPOINT


def read_details(source: Path) -> CardDetails:
    """Read a folder of hub_card; FileNotFoundError or ValueError for one that is none."""
    if not source.is_dir():
        raise FileNotFoundError(f"source: no such folder: '{source}'")
    details = source / "details.json"
    given = read_json_object(details, "source") if details.is_file() else {}
    if unknown := given.keys() - set(_KEYS):
        raise ValueError(
            f"source: '{details}' may have the keys {', '.join(_KEYS)}, got "
            f"{', '.join(sorted(unknown))}"
        )
    samples = [source / sample for sample in given.pop("samples", ())]
    evaluation = source / "evaluation.json"
    return CardDetails(
        **given,
        training_data=_read_text(source / "training_data.md"),
        evaluation=evaluation if evaluation.is_file() else None,
        evaluation_note=_read_text(source / "evaluation.md"),
        samples=(*samples, *sorted(source.glob("images/*"))),
    )


def stage_card(source: Path, output: Path) -> None:
    """Put text of one's own where building the repository will find and keep it."""
    card = source / CARD_NAME
    if card.is_file() and not (output / CARD_NAME).exists():
        output.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(card, output / CARD_NAME)


def _read_text(path: Path) -> str | None:
    if not path.is_file():
        return None
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise ValueError(f"source: '{path}' must be text in UTF-8: {error}") from error
