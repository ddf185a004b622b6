"""Model cards: README.md with the Hub's metadata, in which a user's own text is kept."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from huggingface_hub import ModelCard
from huggingface_hub.utils import yaml_dump

from stylekernel_hf.repository.sources import is_hub_id

CARD_NAME = "README.md"
PAPER = "arXiv 2304.00414"
CITATION = """\
@inproceedings{xu2023learning,
  title     = {Learning Dynamic Style Kernels for Artistic Style Transfer},
  author    = {Xu, Wenju and Long, Chengjiang and Nie, Yongwei},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  year      = {2023}
}"""
_BLOCK = re.compile(
    r"<!-- stylekernel_hf wrote this part \((\w{12})\).*?-->\n(.*?)<!-- end of that part -->\n",
    re.DOTALL,
)


@dataclass(frozen=True)
class CardDetails:
    """What a model card says that cannot be read off the network.

    - license: the Hub's name of a licence; "apache-2.0" unless the card there has another.
    - base_model: Hub id of the checkpoint that was fine-tuned; by default the one loaded, or that
      which the card beside the loaded one names.
    - datasets: Hub ids of the data sets of the training.
    - tags: beside those that every card of ours has.
    - training_data: where the pictures of the training come from, in Markdown.
    - evaluation: the file that `stylekernel evaluate --json` wrote, or what is in it.
    - evaluation_note: which pictures were evaluated, and by which command, in Markdown.
    - samples: files of pictures to show, which are put into the repository's folder "images".

    Saving and pushing raise FileNotFoundError for a file that is not there, and ValueError for an
    evaluation without figures and for two samples of one name.
    """

    license: str | None = None
    base_model: str | None = None
    datasets: Sequence[str] = ()
    tags: Sequence[str] = ()
    training_data: str | None = None
    evaluation: Mapping[str, Any] | str | os.PathLike[str] | None = None
    evaluation_note: str | None = None
    samples: Sequence[str | os.PathLike[str]] = ()


def merge_card(old: str | None, metadata: Mapping[str, Any], body: str) -> str:
    """Return the text of a card with new metadata, where None removes, and a new body.

    Of an old card are kept: metadata of other names, text around the part that this package
    wrote, and that part too once somebody has changed it, or if there is none.
    """
    block = _mark(body)
    if old is None:
        return _join(metadata, block)
    card = ModelCard(old, ignore_metadata_errors=True)
    kept = card.data.to_dict()
    tags = dict.fromkeys([*metadata.get("tags", ()), *kept.get("tags", ())])
    merged = {**kept, **metadata} | ({"tags": list(tags)} if tags else {})
    text = card.text.lstrip("\n")
    match = _BLOCK.search(text)
    if match is None:
        text = text if text.strip() else block
    elif _digest(match[2]) == match[1]:
        text = text[: match.start()] + block + text[match.end() :]
    return _join(merged, text)


def read_metadata(card: str | None) -> dict[str, Any]:
    """Return the metadata of a card's text; none for no card."""
    if card is None:
        return {}
    return ModelCard(card, ignore_metadata_errors=True).data.to_dict()


def read_card(path: Path | None) -> str | None:
    """Return the text of a card that may not exist."""
    return path.read_text(encoding="utf-8") if path is not None and path.is_file() else None


def base_model_of(details: CardDetails, origin: object, repo_id: str | None) -> str | None:
    """Return the Hub id of what was fine-tuned: as told, loaded, or named by the card loaded."""
    if details.base_model is not None:
        return details.base_model
    if not isinstance(origin, str):
        return None
    if Path(origin).exists():
        return base_model_in(read_metadata(read_card(Path(origin) / CARD_NAME)))
    return origin if is_hub_id(origin) and origin != repo_id else None


def base_model_in(metadata: Mapping[str, Any]) -> str | None:
    """Return the one base model that a card's metadata name."""
    base_model: object = metadata.get("base_model")
    return base_model if isinstance(base_model, str) else None


def copy_samples(samples: Sequence[str | os.PathLike[str]], folder: Path) -> str:
    """Copy pictures into the repository; returns the Markdown that shows them."""
    lines: list[str] = []
    for sample in map(Path, samples):
        target = folder / "images" / sample.name
        if not sample.is_file():
            raise FileNotFoundError(f"samples: no such file: '{sample}'")
        if target.exists():
            raise ValueError(f"samples must have names of their own, got two '{sample.name}'")
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(sample, target)
        lines.append(f"![{sample.stem}](images/{quote(sample.name)})\n")
    return "\n".join(lines)


def _join(metadata: Mapping[str, Any], text: str) -> str:
    told = {name: value for name, value in metadata.items() if value is not None}
    return f"---\n{yaml_dump(told)}---\n\n{text}"


def _mark(body: str) -> str:
    body = body.rstrip("\n") + "\n"
    return (
        f"<!-- stylekernel_hf wrote this part ({_digest(body)}) and rewrites it at each push; "
        "what you add around it, or change in it, is kept -->\n"
        f"{body}<!-- end of that part -->\n"
    )


def _digest(body: str) -> str:
    # Line ends and spaces at them are what editors change unasked.
    text = "\n".join(line.rstrip() for line in body.strip().splitlines())
    return hashlib.sha256(text.encode()).hexdigest()[:12]
