"""The model card of a checkpoint: what it is, how to use it, what it was trained on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stylekernel_hf.hub.card import (
    CITATION,
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

logger = logging.getLogger(__name__)

_TAGS = ["style-transfer", "style-kernel", "stylekernel_hf"]

_BODY = """\
# {title}

Repaints photos in the style of any painting, in one feed-forward pass: arbitrary style transfer
with dynamic style kernels, {parameters:,} parameters.{base}

{samples}
## Use

    pip install stylekernel-hf

With `photo.jpg` and `painting.jpg` in the current folder:

```python
from stylekernel_hf import pipeline

pipe = pipeline("style-kernel", model="{source}")
image = pipe("photo.jpg", "painting.jpg").images[0]
image.save("repainted.png")
```
{diffusers}
## Training data

{training_data}

## Evaluation

{evaluation}

## Limitations

It moves colour, contrast, texture and strokes, and does not know what is in a picture: faces and
writing may become hard to recognise, and pictures that are no paintings (flat logos, a single
colour) give little to take. Whether a use of it is covered by the rights in the pictures that it
was trained on is for its user to judge.

## Citation

An implementation of, and not by the authors of:

```bibtex
{citation}
```
"""

_DIFFUSERS = """
Or with diffusers, which then runs this repository's two short loader files:

```python
from diffusers import DiffusionPipeline

pipe = DiffusionPipeline.from_pretrained("{source}", trust_remote_code=True)
image = pipe("photo.jpg", "painting.jpg").images[0]
```
"""


def write_model_card(
    folder: Path,
    *,
    parameters: int,
    origin: object,
    details: CardDetails | None,
    repo_id: str | None,
    old: Path | None,
    for_diffusers: bool,
) -> None:
    """Write README.md and its pictures into `folder`, with what is to be kept of the old one.

    `origin` is where the network was loaded from; `for_diffusers` says that the folder has the
    loaders of diffusers. For an old card that cannot be read, none is written: it is to stay.
    """
    details = details or CardDetails()
    try:
        old_card = read_card(old)
    except CardError as error:
        logger.warning("the model card stays as it is: %s", error)
        return
    old_metadata = old_card.metadata if old_card else {}
    title = (repo_id or "").rpartition("/")[2] or "Style kernel checkpoint"
    base_model = base_model_of(details, origin, repo_id) or base_model_in(old_metadata)
    evaluation = None if details.evaluation is None else read_evaluation(details.evaluation)
    metadata = _metadata(details, old_metadata, base_model, title, evaluation)
    source = repo_id or "."
    body = _BODY.format(
        title=title,
        parameters=parameters,
        base=f" Fine-tuned from [{base_model}](https://huggingface.co/{base_model})."
        if base_model
        else "",
        samples=copy_samples(details.samples, folder),
        source=source,
        diffusers=_DIFFUSERS.format(source=source) if for_diffusers else "",
        training_data=details.training_data or "Not told by whoever saved this checkpoint.",
        evaluation=evaluation_text(evaluation, details.evaluation_note, source)
        if evaluation
        else "None yet; `stylekernel evaluate` measures it.",
        citation=CITATION,
    )
    write_card(folder, merge_card(old_card, metadata, body))


def _metadata(
    details: CardDetails,
    old: Mapping[str, Any],
    base_model: str | None,
    title: str,
    evaluation: Mapping[str, Any] | None,
) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "library_name": "diffusers",
        "pipeline_tag": "image-to-image",
        "license": details.license or old.get("license") or "apache-2.0",
        "tags": [*_TAGS, *details.tags],
    }
    if base_model:
        relation = old.get("base_model_relation") or "finetune"
        metadata |= {"base_model": base_model, "base_model_relation": relation}
    if details.datasets:
        metadata["datasets"] = list(details.datasets)
    if evaluation is not None:
        metadata["model-index"] = model_index(title, evaluation)
    elif is_our_model_index(old.get("model-index")):
        # Those were the figures of other weights, as far as anybody knows.
        metadata["model-index"] = None
    return metadata
