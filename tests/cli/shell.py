"""The types of the fixture `shell`, which runs the command line in the process of the test."""

from collections.abc import Callable
from typing import NamedTuple


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str


Shell = Callable[..., Ended]
