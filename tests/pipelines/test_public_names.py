"""Every public name says what it is for, what it takes and how it fails."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

import stylekernel_hf

# What a reader must find in the docstring of each name, or in those of a class's own methods.
SAYS = {
    "CardDetails": ["FileNotFoundError", "ValueError", "Markdown"],
    "StyleEmbedding": ["ValueError", "FileNotFoundError", "tokens", "checkpoint"],
    "StyleKernelConfig": ["ValueError", "TypeError", "finest stage first"],
    "StyleKernelDiffusionModel": ["diffusers", "ValueError"],
    "StyleKernelDiffusionPipeline": ["DiffusionPipeline", "ValueError"],
    "StyleKernelModel": [r"\[0, 1\]", "[mM]ultiples", "ValueError", "safetensors"],
    "StyleKernelPipeline": [r"\[0, 1\]", "16 px", "ValueError", "TypeError", "OSError"],
    "StyleKernelPipelineOutput": ["one picture per content"],
    "StyleLibrary": ["ValueError"],
    "build_model": ["ValueError", "random"],
    "give_back_freed_memory": ["glibc"],
    "keep_freed_memory": ["glibc", "programs"],
    "load_checkpoint": ["float32", "FileNotFoundError", "ValueError"],
    "load_image": ["ValueError", "FileNotFoundError|OSError", "8 bits"],
    "pipeline": ["ValueError", "CUDA", "float32"],
    "register_with_transformers": ["ImportError"],
    "save_image": ["ValueError"],
    "share_processors": ["threads", "process"],
    "StylizedVideo": ["damage", "warnings"],
    "stylize_video": ["ImportError", "ValueError", "whole or not at all", "length", "HDR", "fps"],
    "stylize_file": ["ImportError", "ValueError", "whole or not at all", "height"],
}


def own_methods(cls: type) -> list[tuple[str, Any]]:
    """Public methods of a class that this package wrote."""
    return [
        (name, method)
        for name, method in inspect.getmembers(cls, inspect.isroutine)
        if (not name.startswith("_") or name == "__call__")
        and str(getattr(method, "__module__", "")).startswith("stylekernel_hf")
    ]


@pytest.mark.parametrize("name", stylekernel_hf.__all__)
def test_public_name_is_documented(name: str) -> None:
    thing = getattr(stylekernel_hf, name)
    text = thing.__doc__ or ""
    assert not text.startswith(f"{name}("), "a dataclass's signature is no docstring"
    if inspect.isclass(thing):
        text += " ".join(method.__doc__ or "" for _, method in own_methods(thing))
    assert len(text.split()) >= 8
    missing = [word for word in SAYS.get(name, []) if not re.search(word, " ".join(text.split()))]
    assert missing == []


@pytest.mark.parametrize("name", [name for name in stylekernel_hf.__all__ if name[0].isupper()])
def test_public_methods_are_documented(name: str) -> None:
    methods = own_methods(getattr(stylekernel_hf, name))
    assert [method for method, value in methods if not value.__doc__] == []
