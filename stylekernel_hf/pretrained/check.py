"""Checks of a repository before it is published."""

from __future__ import annotations

from pathlib import Path

import torch

from stylekernel_hf.hub.card import CARD_NAME, read_card
from stylekernel_hf.hub.layout import INDEX_NAME, find_model
from stylekernel_hf.hub.sources import LocalFolder
from stylekernel_hf.pretrained.model import StyleKernelModel

_METADATA = ("library_name", "license", "pipeline_tag", "tags")


def check_repository(folder: Path, network: StyleKernelModel) -> list[str]:
    """Return the files of a repository after checking that it holds this network.

    ValueError or FileNotFoundError if it does not load, if its weights differ, or if its card lacks
    metadata that the Hub wants.
    """
    source = LocalFolder(folder)
    _, config = find_model(source)
    if source.find(INDEX_NAME) is None:
        raise FileNotFoundError(f"no {INDEX_NAME} in '{folder}': diffusers could not load it")
    loaded = type(network).from_pretrained(folder, dtype=network.dtype)
    expected = network.state_dict()
    for name, tensor in loaded.state_dict().items():
        if not torch.equal(tensor, expected[name]):
            raise ValueError(f"tensor {name} in '{config.parent}' is not that of the network")
    card = read_card(folder / CARD_NAME)
    metadata = card.metadata if card else {}
    if missing := [key for key in _METADATA if not metadata.get(key)]:
        raise ValueError(f"the card in '{folder}' lacks the metadata {', '.join(missing)}")
    return source.list_files()
