"""The model card of a checkpoint, rendered from `model_card.md.jinja`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard, ModelCardData, try_to_load_from_cache

from stylekernel_hf.hub.card import (
    CITATION,
    PAPER_TITLE,
    PAPER_URL,
    Card,
    CardDetails,
    CardError,
    base_model_in,
    base_model_of,
    copy_samples,
    merge_card,
    read_card,
    write_card,
)
from stylekernel_hf.hub.card_evaluation import (
    evaluation_text,
    is_our_model_index,
    model_index,
    read_evaluation,
)
from stylekernel_hf.hub.card_sections import architecture_table, count_parameters, speed_table
from stylekernel_hf.hub.layout import CARD_NAME, loaded_folder
from stylekernel_hf.hub.sources import is_hub_id
from stylekernel_hf.model.config import StyleKernelConfig

logger = logging.getLogger(__name__)

HISTORY_NAME = "training_history.md"
LICENSE_NAME = "LICENSE.md"
PLACEHOLDER = "OWNER/NAME"
_TAGS = ["style-transfer", "style-kernel", "stylekernel_hf"]
_CODE = "the Python package `stylekernel_hf`"
_DEMO = "`python app.py` in the repository of the code"


def write_model_card(
    folder: Path,
    *,
    config: StyleKernelConfig,
    origin: str | None,
    details: CardDetails | None,
    repo_id: str | None,
    old: Path | None,
    for_diffusers: bool,
) -> None:
    """Write README.md and the files beside it into `folder`, with what is kept of the old card.

    `origin` is where the network was loaded from; `for_diffusers` says that the folder has the
    loaders of diffusers. An old card that cannot be read stays, and none is written.
    """
    details = details or CardDetails()
    try:
        old_card = read_card(old)
    except CardError as error:
        logger.warning("the model card stays as it is: %s", error)
        return
    old_metadata = old_card.metadata if old_card else {}
    details = _with_licence(details, old_metadata, origin)
    repo_id = repo_id or details.repo_id or PLACEHOLDER
    title = "Style kernel checkpoint" if repo_id == PLACEHOLDER else repo_id.rpartition("/")[2]
    base_model = base_model_of(details, origin, repo_id) or base_model_in(old_metadata)
    evaluation = None if details.evaluation is None else read_evaluation(details.evaluation)
    metadata = _metadata(details, old_metadata, base_model, title, evaluation)
    fields = {
        "title": title,
        "parameters": f"{count_parameters(config):,}",
        "base_model": base_model,
        "repo_id": repo_id,
        "is_placeholder": repo_id.startswith("OWNER/"),
        "for_diffusers": for_diffusers,
        "architecture": architecture_table(config),
        "samples": copy_samples(details.samples, folder),
        **_sections(details, evaluation, repo_id),
    }
    for name, text in ((HISTORY_NAME, details.training_history), (LICENSE_NAME, details.terms)):
        if text:
            (folder / name).write_text(text.rstrip() + "\n", encoding="utf-8")
    write_card(folder, merge_card(old_card, metadata, _render(fields)))


def _render(fields: Mapping[str, Any]) -> str:
    template = files("stylekernel_hf.hub").joinpath("model_card.md.jinja")
    card = ModelCard.from_template(
        ModelCardData(),
        template_str="---\n{{ card_data }}\n---\n" + template.read_text(encoding="utf-8"),
        **fields,
    )
    return card.text.lstrip("\n")


def _sections(
    details: CardDetails, evaluation: Mapping[str, Any] | None, repo_id: str
) -> dict[str, str | None]:
    """Return the parts of the card that its details give."""
    results = "None yet; `stylekernel evaluate` measures them."
    if evaluation is not None:
        peers = {name: read_evaluation(peer) for name, peer in details.peers.items()}
        results = evaluation_text(evaluation, peers, details.evaluation_note, repo_id)
    speed = "Not measured for this card; `stylekernel benchmark` measures them."
    if details.benchmark is not None:
        speed = speed_table(details.benchmark)
    return {
        "paper_title": PAPER_TITLE,
        "paper_url": PAPER_URL,
        "citation": CITATION,
        "code": _link(details.code_url) or _CODE,
        "demo": _link(details.demo_url) or _DEMO,
        "limits": details.limits,
        "results": results,
        "speed": speed,
        "training_data": details.training_data or "Not documented.",
        "history": HISTORY_NAME if details.training_history else None,
        "licence": _licence_text(details),
    }


def _with_licence(details: CardDetails, old: Mapping[str, Any], origin: str | None) -> CardDetails:
    """Return the details with a licence: as given, of the old card, or of what was loaded."""
    if details.license is not None:
        return details
    loaded, terms = _loaded_licence(origin)
    for metadata in (old, loaded):
        if metadata.get("license"):
            name, link = metadata.get("license_name"), metadata.get("license_link")
            return replace(
                details,
                license=metadata["license"],
                license_name=name if isinstance(name, str) else None,
                license_link=link if isinstance(link, str) else None,
                terms=details.terms or (terms if metadata is loaded else None),
            )
    return replace(details, license="apache-2.0")


def _loaded_licence(origin: str | None) -> tuple[Mapping[str, Any], str | None]:
    """Return the metadata of the card beside the loaded weights, and the terms beside it.

    Of a repository on the Hub, only a card in the cache is read: otherwise its licence is unknown.
    """
    folder = loaded_folder(origin)
    if folder is None and origin is not None and is_hub_id(origin):
        cached = try_to_load_from_cache(origin, CARD_NAME)
        if not isinstance(cached, str):
            return {"license": "unknown"}, None
        folder = Path(cached).parent
    if folder is None:
        return {}, None
    try:
        card: Card | None = read_card(folder / CARD_NAME)
    except CardError as error:
        logger.warning("the licence of the loaded weights is not known: %s", error)
        return {}, None
    terms = folder / LICENSE_NAME
    return (
        card.metadata if card else {},
        terms.read_text(encoding="utf-8") if terms.is_file() else None,
    )


def _licence_text(details: CardDetails) -> str:
    if details.license != "other":
        return f"The code is Apache-2.0. The weights: {details.license}."
    link = details.license_link or LICENSE_NAME
    return f"The code is Apache-2.0. The weights: [{details.license_name or 'other'}]({link})."


def _link(url: str | None) -> str | None:
    return f"<{url}>" if url else None


def _metadata(
    details: CardDetails,
    old: Mapping[str, Any],
    base_model: str | None,
    title: str,
    evaluation: Mapping[str, Any] | None,
) -> dict[str, Any]:
    link = details.license_link or (LICENSE_NAME if details.terms else None)
    metadata: dict[str, Any] = {
        "library_name": "diffusers",
        "pipeline_tag": "image-to-image",
        "license": details.license,
        "tags": [*_TAGS, *details.tags],
    }
    if details.license_name or link or details.license != old.get("license"):
        metadata |= {"license_name": details.license_name, "license_link": link}
    if base_model:
        relation = old.get("base_model_relation") or "finetune"
        metadata |= {"base_model": base_model, "base_model_relation": relation}
    if details.datasets:
        metadata["datasets"] = list(details.datasets)
    if evaluation is not None:
        metadata["model-index"] = model_index(title, evaluation)
    elif is_our_model_index(old.get("model-index")):
        # Those figures were of other weights, as far as anybody knows.
        metadata["model-index"] = None
    return metadata
