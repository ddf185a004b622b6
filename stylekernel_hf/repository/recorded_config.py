"""The arguments with which a network was built, kept as its config."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Concatenate, ParamSpec

Arguments = ParamSpec("Arguments")


class Config(Mapping[str, Any]):
    """Values by name, which are read as items or as attributes and cannot be changed."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __getattr__(self, name: str) -> Any:
        # Of a copy in the making not even the values are there yet.
        if name.startswith("_") or name not in self._values:
            raise AttributeError(f"the config has no {name!r}")
        return self._values[name]

    def __setattr__(self, name: str, value: object) -> None:
        if name != "_values":
            raise AttributeError(f"a config cannot be changed, got {name} = {value!r}")
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Config({self._values})"


def records_config(
    init: Callable[Concatenate[Any, Arguments], None],
) -> Callable[Concatenate[Any, Arguments], None]:
    """Let an `__init__` find all its arguments, defaults included, in `self.config`."""
    signature = inspect.signature(init)

    @functools.wraps(init)
    def recording(self: Any, *args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        _, *named = bound.arguments.items()
        self.config = Config(dict(named))
        init(self, *args, **kwargs)

    return recording
