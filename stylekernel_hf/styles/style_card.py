"""Styles on the Hub: pushing a file of styles, and its card."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stylekernel_hf.hub.card import CardError, merge_card, read_card, write_card
from stylekernel_hf.hub.sources import is_hub_id
from stylekernel_hf.hub.upload import push_folder
from stylekernel_hf.styles.style_file import StyleTensors, write_styles
from stylekernel_hf.styles.style_format import STYLES_NAME

logger = logging.getLogger(__name__)

_BODY = """\
# {title}

{what} for the Python package `stylekernel_hf`, encoded by {checkpoint}, which is the only
checkpoint that takes {them}. The paintings are not in this repository and are not needed.

## Use

    pip install stylekernel-hf

With `photo.jpg` in the current folder:

```python
{code}
```
"""
_LOAD = """\
from stylekernel_hf import {cls}, pipeline

pipe = pipeline("style-kernel"{model})
{load}
pipe("photo.jpg", {style}).images[0].save("stylized.png")"""


def push_styles(
    repo_id: str,
    content: StyleTensors,
    *,
    private: bool | None = None,
    token: str | bool | None = None,
    commit_message: str | None = None,
) -> str:
    """Push a file of styles with a card; returns the commit's URL."""

    def write(folder: Path, old_card: Path | None) -> None:
        write_styles(folder / STYLES_NAME, content)
        try:
            old = read_card(old_card)
        except CardError as error:
            logger.warning("the card of '%s' stays as it is: %s", repo_id, error)
            return
        metadata = _metadata(content, old.metadata if old else {})
        write_card(folder, merge_card(old, metadata, _body(repo_id, content)))

    return push_folder(
        repo_id,
        write,
        private=private,
        token=token,
        revision=None,
        commit_message=commit_message or f"Upload style{'s' if len(content.styles) > 1 else ''}",
    )


def _metadata(content: StyleTensors, old: Mapping[str, Any]) -> dict[str, Any]:
    checkpoint = _checkpoint_name(content)
    base = {"base_model": checkpoint, "base_model_relation": "adapter"}
    return {
        "library_name": "stylekernel_hf",
        "pipeline_tag": "image-to-image",
        # The package cannot know who holds rights in the painting.
        "license": old.get("license", "other"),
        "tags": ["style-transfer", "style-kernel", "style-embedding"],
        **(base if checkpoint and is_hub_id(checkpoint) else {}),
    }


def _body(repo_id: str, content: StyleTensors) -> str:
    names = list(content.styles)
    checkpoint = _checkpoint_name(content)
    one = len(names) == 1
    cls = "StyleEmbedding" if one else "StyleLibrary"
    model = f', model="{checkpoint}"' if checkpoint and is_hub_id(checkpoint) else ""
    code = _LOAD.format(
        cls=cls,
        model=model,
        load=f'{"style" if one else "styles"} = {cls}.from_pretrained("{repo_id}")',
        style="style" if one else f"styles[{names[0]!r}]",
    )
    return _BODY.format(
        title=repo_id.rpartition("/")[2],
        what="A style" if one else f"Styles ({', '.join(names)})",
        them="it" if one else "them",
        checkpoint=checkpoint or "an unknown checkpoint",
        code=code,
    )


def _checkpoint_name(content: StyleTensors) -> str | None:
    return str(content.checkpoint["name"]) if content.checkpoint else None
