"""A network's config: all arguments of its constructor, readable in two ways, unchangeable."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence

import pytest
from torch import nn

from stylekernel_hf.repository.recorded_config import Config, records_config


class Network(nn.Module):
    config: Config

    @records_config
    def __init__(self, width: int, depths: Sequence[int] = (1, 2), *, gating: bool = True) -> None:
        super().__init__()
        self.layer = nn.Linear(self.config.width, len(depths), bias=gating)


def test_all_arguments_are_recorded_however_they_are_given() -> None:
    expected = {"width": 3, "depths": (1, 2), "gating": False}
    assert dict(Network(3, gating=False).config) == expected
    assert dict(Network(depths=(1, 2), gating=False, width=3).config) == expected


def test_arguments_can_be_used_while_the_network_is_built() -> None:
    assert Network(3).layer.weight.shape == (2, 3)


def test_wrong_arguments_are_refused_as_without_a_record() -> None:
    with pytest.raises(TypeError, match="width"):
        Network()  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError, match="depth"):
        Network(3, depth=1)  # pyright: ignore[reportCallIssue]


def test_values_are_read_as_items_and_as_attributes() -> None:
    config = Network(3).config
    assert config["depths"] == config.depths == (1, 2)
    assert config.get("height") is None
    with pytest.raises(AttributeError, match="no 'height'"):
        _ = config.height
    with pytest.raises(KeyError):
        _ = config["height"]


def test_config_cannot_be_changed() -> None:
    config = Network(3).config
    with pytest.raises(AttributeError, match="cannot be changed, got width = 4"):
        config.width = 4
    with pytest.raises(TypeError):
        config["width"] = 4  # pyright: ignore[reportIndexIssue]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_config_survives_copies(copied) -> None:
    config = copied(Network(3).config)
    assert isinstance(config, Config) and config == Network(3).config
    assert "width" in repr(config)
