"""Working sizes, reduced and changed pictures, against torch's own resizing of whole pictures."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from stylekernel_hf.tiling.coarse_to_fine import (
    ChangedRows,
    TensorRows,
    resize,
    with_change,
)
from stylekernel_hf.tiling.working_size import working_size


def picture(height: int, width: int, dtype: torch.dtype = torch.uint8) -> Tensor:
    generator = torch.Generator().manual_seed(height * width)
    values = torch.rand(1, 3, height, width, generator=generator)
    return (values * 255).to(dtype) if dtype == torch.uint8 else values.to(dtype)


@pytest.mark.parametrize(
    ("size", "scale", "expected"),
    [
        ((512, 512), 1, None),
        ((128, 96), 1, None),
        ((600, 900), 1, None),
        ((1024, 2048), 1, (512, 1024)),
        ((4000, 3000), 1, (683, 512)),
        ((4000, 3000), 2, (341, 256)),
        ((4000, 3000), 4, (171, 128)),
        ((4000, 3000), 0.5, (1365, 1024)),
        ((512, 512), 2, (256, 256)),
        ((512, 512), 0.5, (1024, 1024)),
        ((128, 128), 4, (64, 64)),
        ((40, 40), 4, None),
        ((1024, 1024), 0.5, None),
    ],
)
def test_working_size_is_that_of_styles_over_the_scale(
    size: tuple[int, int], scale: float, expected: tuple[int, int] | None
) -> None:
    assert working_size(*size, scale) == expected


def test_working_size_never_grows_with_the_scale() -> None:
    for short in range(16, 2000, 37):
        sides = [
            (working_size(short, 2 * short, scale / 10) or (short, 0))[0] for scale in range(5, 41)
        ]
        assert sides == sorted(sides, reverse=True)


@pytest.mark.parametrize("size", [(7, 9), (50, 61), (33, 40)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_reduced_rows_are_the_reduced_picture(size: tuple[int, int], dtype: torch.dtype) -> None:
    image = picture(67, 81, dtype)
    whole = image.float() / 255 if dtype == torch.uint8 else image
    expected = interpolate(whole, size, mode="bilinear", antialias=True)
    assert torch.allclose(resize(image, size), expected, atol=1e-6)


@pytest.mark.parametrize("size", [(5, 8), (67, 81), (20, 81)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_change_is_enlarged_and_added(size: tuple[int, int], dtype: torch.dtype) -> None:
    image, change = picture(67, 81, dtype), picture(*size, torch.float32) - 0.5
    before = image.clone()
    whole = image.float() / 255 if dtype == torch.uint8 else image
    enlarged = interpolate(change, (67, 81), mode="bilinear", align_corners=False)
    expected = (whole + enlarged).clamp(0, 1)
    actual = with_change(image, change)
    assert actual.dtype == dtype and torch.equal(image, before)
    tolerance = 0.51 / 255 if dtype == torch.uint8 else 1e-5
    actual = actual.float() / 255 if dtype == torch.uint8 else actual
    assert torch.allclose(actual, expected, atol=tolerance)


def test_rows_are_the_same_however_many_are_read_at_a_time() -> None:
    image, change = picture(67, 81), picture(9, 11, torch.float32) - 0.5
    expected = with_change(image, change)[0].permute(1, 2, 0)
    rows = ChangedRows(TensorRows(image), change, 67, 81)
    actual = torch.cat([rows.read(count) for count in (1, 30, 2, 34)])
    assert torch.equal(actual, expected)


def test_no_change_leaves_the_picture_as_it_is() -> None:
    image = picture(300, 41)
    assert torch.equal(with_change(image, torch.zeros(1, 3, 7, 5)), image)
