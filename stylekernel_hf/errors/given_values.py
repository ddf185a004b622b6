"""Values of arguments and files: checked numbers and lists, and how errors show them."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, cast

_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 80


def plain_number(value: object) -> int | float | None:
    """Return a number of Python, NumPy or torch as int or float, and None for anything else.

    Arrays and tensors without dimensions are numbers; booleans are not.
    """
    value = _item(value)
    if isinstance(value, bool):
        return None
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real | Decimal):
        return _float(value)
    return None


def as_integer(value: object, name: str, *, low: int | None = None, high: int | None = None) -> int:
    """Return an int; raise TypeError for anything else.

    Raises ValueError if it is not from `low` to `high`. Messages begin with `name`.
    """
    number = plain_number(value)
    if not isinstance(number, int):
        raise TypeError(f"{name} must be an integer, got {shown(value)}")
    if (low is not None and number < low) or (high is not None and number > high):
        wanted = f"at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} must be {wanted}, got {shown(number)}")
    return number


def as_float(value: object, name: str) -> float:
    """Return a finite number as a float; raise TypeError or ValueError for anything else.

    Integers that are too large for a float count as infinite.
    """
    number = plain_number(value)
    if number is None:
        raise TypeError(f"{name} must be a number, got {shown(value)}")
    number = _float(number)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {number}")
    return number


def as_boolean(value: object, name: str) -> bool:
    """Return a bool of Python, NumPy or torch; raise TypeError for anything else."""
    boolean = _item(value)
    if not isinstance(boolean, bool):
        raise TypeError(f"{name} must be true or false, got {shown(value)}")
    return boolean


def as_list(values: object, name: str, what: str) -> list[Any]:
    """Return the items of a sequence, array or tensor; raise TypeError for anything else.

    `what` names the items in the error.
    """
    if isinstance(values, str | bytes | Mapping | set | frozenset) or not isinstance(
        values, Iterable
    ):
        raise TypeError(f"{name} must be a list of {what}, got {shown(values)}")
    try:
        return list(cast(Iterable[Any], values))
    except TypeError:  # An array without dimensions is an Iterable, but has no iterator.
        raise TypeError(f"{name} must be a list of {what}, got {shown(values)}") from None


def shown(value: object) -> str:
    """Return a value for an error message, shortened."""
    try:
        return " ".join(_REPR.repr(value).split())
    except ValueError:  # Python refuses to print integers of thousands of digits.
        return f"{type(value).__name__} of thousands of digits"


def name_shown(value: object) -> str:
    """Return a value that should be a name for an error message, without quotes if it is one."""
    return " ".join(value[:100].split()) if isinstance(value, str) else shown(value)


def _float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
    except ValueError:  # A signalling NaN of the module decimal.
        return math.nan


def _item(value: object) -> object:
    """Return the value of an array or tensor without dimensions, and anything else unchanged."""
    if getattr(value, "ndim", None) != 0 or not hasattr(value, "item"):
        return value
    try:
        return cast(Any, value).item()
    except (RuntimeError, ValueError):  # A tensor on the device "meta" has no value.
        return value
