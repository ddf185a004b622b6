"""README.md with the Hub's metadata, in which the text of users is kept."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import yaml

from stylekernel_hf.hub.card_metadata import merge_yaml
from stylekernel_hf.hub.layout import CARD_NAME
from stylekernel_hf.hub.sources import is_hub_id

logger = logging.getLogger(__name__)

PAPER_TITLE = "Learning Dynamic Style Kernels for Artistic Style Transfer"
PAPER_URL = "https://arxiv.org/abs/2304.00414"
CITATION = """\
@inproceedings{xu2023learning,
  title     = {Learning Dynamic Style Kernels for Artistic Style Transfer},
  author    = {Xu, Wenju and Long, Chengjiang and Nie, Yongwei},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  year      = {2023}
}"""
_METADATA = re.compile(r"\s*---[ \t]*\n(.*?)(?<=\n)---[ \t]*(?:\n|\Z)", re.DOTALL)
_BLOCK = re.compile(
    r"<!-- stylekernel_hf wrote this part \((\w{12})\).*?-->\n(.*?)<!-- end of that part -->\n",
    re.DOTALL,
)


class CardError(ValueError):
    """A card that cannot be read; the message names it."""


@dataclass(frozen=True)
class CardDetails:
    """What a model card says beside what the network itself tells.

    Saving and pushing raise FileNotFoundError for a file that is missing, and ValueError for an
    evaluation or a benchmark without figures and for two samples of one name.

    Attributes:
        license: The Hub's name of a licence, "other" with a name and a link. By default that of
            the card that is there, else that of the card beside the weights that were loaded
            ("unknown" if that card is on the Hub only), else "apache-2.0".
        license_name: The name of a licence that is "other".
        license_link: Where that licence is; by default the file LICENSE.md with the `terms`.
        terms: The text of that licence, which is written to LICENSE.md.
        repo_id: The repository's id in the code of a card that is saved to a folder; a push writes
            its own.
        base_model: Hub id of the checkpoint that was fine-tuned; by default the one loaded, or the
            one that the card beside the loaded one names.
        datasets: Hub ids of the data sets of the training.
        tags: Tags beside those that every card has.
        training_data: Where the pictures of the training come from, in Markdown.
        training_history: The stages of the training, in Markdown, which are written to
            training_history.md and linked.
        evaluation: The file that `stylekernel evaluate --json` wrote, or its content.
        peers: Evaluations of other networks on the same pairs, by the names of these networks.
        evaluation_note: Which pictures were evaluated, and by which command, in Markdown.
        benchmark: The file that `stylekernel benchmark --json` wrote, or its content.
        limits: Limits of this checkpoint beside those of the method, in Markdown.
        samples: Files of pictures to show, which are put into the repository's folder "images".
        code_url: Where the code is; by default the card names the package without a link.
        demo_url: Where a demo runs.

    Example:
        >>> from stylekernel_hf import CardDetails
        >>> CardDetails(license="mit", tags=["art"]).license
        'mit'
    """

    license: str | None = None
    base_model: str | None = None
    datasets: Sequence[str] = ()
    tags: Sequence[str] = ()
    training_data: str | None = None
    evaluation: Mapping[str, Any] | str | os.PathLike[str] | None = None
    evaluation_note: str | None = None
    samples: Sequence[str | os.PathLike[str]] = ()
    license_name: str | None = None
    license_link: str | None = None
    terms: str | None = None
    repo_id: str | None = None
    training_history: str | None = None
    peers: Mapping[str, Mapping[str, Any] | str | os.PathLike[str]] = field(
        default_factory=dict[str, "Mapping[str, Any] | str | os.PathLike[str]"]
    )
    benchmark: Mapping[str, Any] | str | os.PathLike[str] | None = None
    limits: str | None = None
    code_url: str | None = None
    demo_url: str | None = None


@dataclass(frozen=True)
class Card:
    """A card as it is: its metadata, parsed and as lines of YAML, and its text."""

    metadata: Mapping[str, Any]
    yaml: str
    text: str
    line_end: str = "\n"


def read_card(path: Path | None) -> Card | None:
    """Read a card; return None if there is no file, raise CardError if it cannot be read."""
    if path is None or not os.path.lexists(path):
        return None
    if not path.is_file():
        raise CardError(f"'{path}' must be a file")
    try:
        whole = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CardError(f"'{path}' must be text in UTF-8: {error}") from error
    line_end = "\r\n" if "\r\n" in whole else "\n"
    whole = whole.replace("\r\n", "\n")
    match = _METADATA.match(whole)
    if match is None:
        return Card({}, "", whole, line_end)
    return Card(_parse(match[1], path), match[1], whole[match.end() :], line_end)


def merge_card(old: Card | None, metadata: Mapping[str, Any], body: str) -> str:
    """Return the text of a card with new metadata and a new body; None removes a key.

    Kept from an old card are metadata of other names, the text around the part that this package
    wrote, and that part too once somebody has changed or removed it.
    """
    block = _mark(body)
    if old is None:
        return f"---\n{merge_yaml('', {}, metadata)}---\n\n{block}"
    tags = [*metadata.get("tags", ())]
    tags += [tag for tag in _as_list(old.metadata.get("tags")) if tag not in tags]
    text = old.text.lstrip("\n")
    match = _BLOCK.search(text)
    if match is None:
        text = text if text.strip() else block
    elif _digest(match[2]) == match[1]:
        text = text[: match.start()] + block + text[match.end() :]
    changes = {**metadata, **({"tags": tags} if tags else {})}
    whole = f"---\n{merge_yaml(old.yaml, old.metadata, changes)}---\n\n{text}"
    return whole.replace("\n", old.line_end)


def write_card(folder: Path, text: str) -> None:
    """Write a card into a folder without changing its line ends."""
    (folder / CARD_NAME).write_bytes(text.encode())


def base_model_of(details: CardDetails, origin: object, repo_id: str | None) -> str | None:
    """Return the Hub id of the base model: as given, as loaded, or as the loaded card names it."""
    if details.base_model is not None:
        return details.base_model
    if not isinstance(origin, str):
        return None
    if Path(origin).exists():
        try:
            card = read_card(Path(origin) / CARD_NAME)
        except CardError as error:
            logger.warning("the base model is not known: %s", error)
            return None
        return base_model_in(card.metadata) if card else None
    return origin if is_hub_id(origin) and origin != repo_id else None


def base_model_in(metadata: Mapping[str, Any]) -> str | None:
    """Return the base model that the metadata of a card name, if it is one."""
    base_model: object = metadata.get("base_model")
    return base_model if isinstance(base_model, str) else None


def copy_samples(samples: Sequence[str | os.PathLike[str]], folder: Path) -> str:
    """Copy pictures into the repository and return the Markdown that shows them."""
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


def _parse(block: str, path: Path) -> Mapping[str, Any]:
    try:
        metadata: object = yaml.safe_load(block) or {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        words = " ".join(str(error).split())
        raise CardError(f"the metadata of '{path}' must be YAML: {words}") from error
    if not isinstance(metadata, dict):
        raise CardError(
            f"the metadata of '{path}' must be names with values, got a {type(metadata).__name__}"
        )
    return cast("dict[str, Any]", metadata)


def _as_list(value: object) -> list[Any]:
    if value is None:
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _mark(body: str) -> str:
    body = body.rstrip("\n") + "\n"
    return (
        f"<!-- stylekernel_hf wrote this part ({_digest(body)}) and rewrites it at each push; "
        "what you add around it, or change in it, is kept -->\n"
        f"{body}<!-- end of that part -->\n"
    )


def _digest(body: str) -> str:
    # Editors change line ends, and spaces at them, without being asked.
    text = "\n".join(line.rstrip() for line in body.strip().splitlines())
    return hashlib.sha256(text.encode()).hexdigest()[:12]
