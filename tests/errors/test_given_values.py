"""Numbers of any library become int or float; errors name the value."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from stylekernel_hf.errors.given_values import (
    as_boolean,
    as_float,
    as_integer,
    as_list,
    plain_number,
    shown,
)

HALVES: list[Any] = [
    0.5,
    np.float16(0.5),
    np.float32(0.5),
    np.float64(0.5),
    np.longdouble(0.5),
    np.array(0.5),
    torch.tensor(0.5),
    torch.tensor(0.5, dtype=torch.bfloat16, requires_grad=True),
    Fraction(1, 2),
    Decimal("0.5"),
]
THREES: list[Any] = [
    3,
    np.int8(3),
    np.uint64(3),
    np.array(3),
    torch.tensor(3),
    torch.tensor(3).byte(),
]
NO_NUMBERS: list[Any] = [
    *(True, np.True_, np.array(True), torch.tensor(True)),
    *("1", b"1", None, 1j, np.complex64(1), torch.tensor(1j), [1], (1,), {1}, {}, type),
    *(np.array([1]), torch.tensor([1]), np.array("1"), torch.tensor(1, device="meta"), int),
]


@pytest.mark.parametrize("value", HALVES, ids=repr)
def test_floats_become_floats(value: Any) -> None:
    assert type(plain_number(value)) is float
    assert plain_number(value) == as_float(value, "x") == 0.5
    with pytest.raises(TypeError, match="^x must be an integer, got "):
        as_integer(value, "x")


@pytest.mark.parametrize("value", THREES, ids=repr)
def test_integers_become_integers(value: Any) -> None:
    assert type(plain_number(value)) is int
    assert plain_number(value) == as_integer(value, "x") == 3
    assert type(as_float(value, "x")) is float and as_float(value, "x") == 3


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_other_values_are_not_numbers(value: Any) -> None:
    assert plain_number(value) is None
    for read in (as_float, as_integer):
        with pytest.raises(TypeError, match="^x must be (a number|an integer), got "):
            read(value, "x")


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, np.float32("nan"), torch.tensor(-math.inf), Decimal("sNaN")]
    + [10**400, -(10**5000), Fraction(10**400)],
    ids=lambda value: type(value).__name__,
)
def test_number_that_is_not_finite_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="^x must be finite, got -?(nan|inf)"):
        as_float(value, "x")


def test_integer_out_of_range_is_an_error_with_the_range() -> None:
    assert as_integer(np.int64(5), "x", low=5, high=5) == 5
    with pytest.raises(ValueError, match=r"^x must be from 1 to 4, got 5$"):
        as_integer(5, "x", low=1, high=4)
    with pytest.raises(ValueError, match=r"^x must be at least 1, got 0$"):
        as_integer(0, "x", low=1)
    with pytest.raises(ValueError, match=r"^x must be at least 1, got int of thousands of digits$"):
        as_integer(-(10**5000), "x", low=1)


@pytest.mark.parametrize("value", [True, np.True_, np.array(True), torch.tensor(True)], ids=repr)
def test_booleans_are_plain(value: Any) -> None:
    assert as_boolean(value, "x") is True


@pytest.mark.parametrize("value", [1, 0, "true", None, [True], np.array([True])], ids=repr)
def test_truthy_values_are_not_booleans(value: Any) -> None:
    with pytest.raises(TypeError, match="^x must be true or false, got "):
        as_boolean(value, "x")


@pytest.mark.parametrize(
    "value", [[1, 2], (1, 2), np.array([1, 2]), torch.tensor([1, 2]), range(1, 3)]
)
def test_sequences_become_lists(value: Any) -> None:
    assert [int(item) for item in as_list(value, "x", "numbers")] == [1, 2]


@pytest.mark.parametrize(
    "value", ["12", b"12", {1: 2}, {1, 2}, 3, None, np.array(1), torch.tensor(1)]
)
def test_other_values_are_not_sequences(value: Any) -> None:
    with pytest.raises(TypeError, match="^x must be a list of numbers, got "):
        as_list(value, "x", "numbers")


@pytest.mark.parametrize("value", ["a" * 10**6, [1] * 10**6, {"a": ["b" * 10**6]}, torch.zeros(99)])
def test_values_are_shown_in_a_few_words(value: Any) -> None:
    assert len(shown(value)) < 200
    assert "\n" not in shown(value)
