"""Model cards: README.md with the Hub's metadata, in which a user's own text is kept."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

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
    - base_model: Hub id of the checkpoint that was fine-tuned; by default the one loaded.
    - datasets: Hub ids of the data sets of the training.
    - tags: beside those that every card of ours has.
    - training_data: where the pictures of the training come from, in Markdown.
    - evaluation: what `stylekernel evaluate --json` wrote.
    - samples: files of pictures to show, which are put into the repository's folder "images".
    """

    license: str | None = None
    base_model: str | None = None
    datasets: Sequence[str] = ()
    tags: Sequence[str] = ()
    training_data: str | None = None
    evaluation: Mapping[str, Any] | None = None
    samples: Sequence[Path] = ()


def merge_card(old: str | None, metadata: Mapping[str, Any], body: str) -> str:
    """Return the text of a card with new metadata and a new body.

    Of an old card are kept: metadata of other names, text around the part that this package
    wrote, and that part too once somebody has changed it, or if there is none.
    """
    block = _mark(body)
    if old is None:
        return f"---\n{yaml_dump(dict(metadata))}---\n\n{block}"
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
    return f"---\n{yaml_dump(merged)}---\n\n{text}"


def read_metadata(card: str | None) -> dict[str, Any]:
    """Return the metadata of a card's text; none for no card."""
    if card is None:
        return {}
    return ModelCard(card, ignore_metadata_errors=True).data.to_dict()


def read_card(path: Path | None) -> str | None:
    """Return the text of a card that may not exist."""
    return path.read_text(encoding="utf-8") if path is not None and path.is_file() else None


def base_model_of(details: CardDetails, origin: object, repo_id: str | None) -> str | None:
    """Return the Hub id of what was fine-tuned: as told, or what was loaded from elsewhere."""
    if details.base_model is not None:
        return details.base_model
    known = isinstance(origin, str) and is_hub_id(origin) and not Path(origin).exists()
    return cast(str, origin) if known and origin != repo_id else None


def copy_samples(samples: Sequence[Path], folder: Path) -> str:
    """Copy pictures into the repository; returns the Markdown that shows them."""
    lines: list[str] = []
    for sample in samples:
        (folder / "images").mkdir(exist_ok=True)
        shutil.copyfile(sample, folder / "images" / sample.name)
        lines.append(f"![{sample.stem}](images/{sample.name})\n")
    return "\n".join(lines)


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
