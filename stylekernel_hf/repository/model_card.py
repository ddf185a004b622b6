"""The model card of a checkpoint: what it is, how to use it, what it was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from huggingface_hub import EvalResult
from huggingface_hub.repocard_data import eval_results_to_model_index

from stylekernel_hf.repository.card import (
    CARD_NAME,
    CITATION,
    CardDetails,
    base_model_of,
    copy_samples,
    merge_card,
    read_card,
    read_metadata,
)

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
    loaders of diffusers.
    """
    details = details or CardDetails()
    old_text = read_card(old)
    title = (repo_id or "").rpartition("/")[2] or "Style kernel checkpoint"
    base_model = base_model_of(details, origin, repo_id)
    metadata = _metadata(details, read_metadata(old_text), base_model, title)
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
        evaluation=_evaluation_table(details.evaluation),
        citation=CITATION,
    )
    (folder / CARD_NAME).write_text(merge_card(old_text, metadata, body), encoding="utf-8")


def _metadata(
    details: CardDetails, old: Mapping[str, Any], base_model: str | None, title: str
) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "library_name": "diffusers",
        "pipeline_tag": "image-to-image",
        "license": details.license or old.get("license") or "apache-2.0",
        "tags": [*_TAGS, *details.tags],
    }
    if base_model:
        metadata |= {"base_model": base_model, "base_model_relation": "finetune"}
    if details.datasets:
        metadata["datasets"] = list(details.datasets)
    if details.evaluation is not None:
        results = [
            EvalResult(
                task_type="image-to-image",
                task_name="Style transfer",
                dataset_type="image-pairs",
                dataset_name=_pairs(details.evaluation),
                metric_type=name,
                metric_name=name,
                metric_value=value,
            )
            for name, value in _mean(details.evaluation).items()
        ]
        metadata["model-index"] = eval_results_to_model_index(title, results)
    return metadata


def _mean(evaluation: Mapping[str, Any]) -> dict[str, float]:
    mean: object = evaluation.get("mean")
    if not isinstance(mean, dict) or not mean:
        raise ValueError(
            "evaluation must be what `stylekernel evaluate --json` wrote, got keys "
            f"{', '.join(evaluation) or 'none'}"
        )
    return cast(dict[str, float], mean)


def _pairs(evaluation: Mapping[str, Any]) -> str:
    return f"{evaluation.get('pair_count', '?')} pairs at {evaluation.get('size', '?')} px"


def _evaluation_table(evaluation: Mapping[str, Any] | None) -> str:
    if evaluation is None:
        return "None yet; `stylekernel evaluate` measures it."
    mean = _mean(evaluation)
    rows = [
        f"Mean of {_pairs(evaluation)}, by `stylekernel evaluate`: distances of VGG-19's features",
        "from the photo (content) and the painting (style), and SSIM of luminance.\n",
        f"| {' | '.join(mean)} |",
        f"|{'---:|' * len(mean)}",
        f"| {' | '.join(f'{value:.4f}' for value in mean.values())} |",
    ]
    return "\n".join(rows)
