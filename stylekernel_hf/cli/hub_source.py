"""Sources of a published repository: its weights, and the files that its model card is made of."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import cast

from stylekernel_hf.errors.given_values import shown
from stylekernel_hf.hub.card import CARD_NAME, CardDetails
from stylekernel_hf.hub.configs import read_json_object
from stylekernel_hf.hub.model_card import HISTORY_NAME, LICENSE_NAME
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT

_KEYS = (
    "license",
    "license_name",
    "license_link",
    "base_model",
    "datasets",
    "tags",
    "samples",
    "peers",
    "code_url",
    "demo_url",
)
_LISTS = ("datasets", "tags", "samples")


def checkpoint_of(source: Path) -> Path:
    """Return the source's folder model/ if there is one, else the embedded checkpoint."""
    own = source / "model"
    return own if own.is_dir() else EMBEDDED_CHECKPOINT


def read_details(source: Path) -> CardDetails:
    """Read the files of a folder such as hub_card/NAME; FileNotFoundError or ValueError if not."""
    if not source.is_dir():
        raise FileNotFoundError(f"source: no such folder: '{source}'")
    details = source / "details.json"
    given = read_json_object(details, "source") if details.is_file() else {}
    if unknown := given.keys() - set(_KEYS):
        raise ValueError(
            f"source: '{details}' may have the keys {', '.join(_KEYS)}, got "
            f"{', '.join(sorted(unknown))}"
        )
    for key, value in given.items():
        _check_kind(key, value, details)
    samples = [source / sample for sample in given.pop("samples", ())]
    peers = {name: source / path for name, path in given.pop("peers", {}).items()}
    evaluation, benchmark = source / "evaluation.json", source / "benchmark.json"
    return CardDetails(
        **given,
        repo_id=f"OWNER/{source.resolve().name}",
        terms=_read_text(source / LICENSE_NAME),
        training_data=_read_text(source / "training_data.md"),
        training_history=_read_text(source / HISTORY_NAME),
        evaluation=evaluation if evaluation.is_file() else None,
        peers=peers,
        evaluation_note=_read_text(source / "evaluation.md"),
        benchmark=benchmark if benchmark.is_file() else None,
        limits=_read_text(source / "limits.md"),
        samples=(*samples, *sorted(source.glob("images/*"))),
    )


def _check_kind(key: str, value: object, details: Path) -> None:
    if key == "peers":
        expected = "an object of texts"
        items = [*cast("dict[str, object]", value).values()] if isinstance(value, dict) else [None]
    elif key in _LISTS:
        expected = "a list of texts"
        items = cast("list[object]", value) if isinstance(value, list) else [None]
    else:
        expected, items = "a text", [value]
    if not all(isinstance(item, str) for item in items):
        raise ValueError(f"source: {key} in '{details}' must be {expected}, got {shown(value)}")


def stage_card(source: Path, output: Path) -> None:
    """Copy the source's README.md to the output, where building keeps the text around the card."""
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
