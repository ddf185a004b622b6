"""Primaries against the matrices that standards print."""

from __future__ import annotations

import pytest
import torch

from stylekernel_hf.video.colors import VideoColors

# ITU-R BT.2087 has the inverse of this one; that of Display P3 is as widely printed.
TO_BT709 = {
    9: [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    12: [[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]],
}


@pytest.mark.parametrize("primaries", TO_BT709)
def test_colors_are_converted_in_linear_light(primaries: int) -> None:
    linear = torch.rand(1, 3, 5, 7, generator=torch.Generator().manual_seed(0)) * 0.4 + 0.3
    expected = torch.einsum("ij,bjhw->bihw", torch.tensor(TO_BT709[primaries]), linear)
    actual = VideoColors(primaries=primaries).to_bt709(linear ** (1 / 2.4)) ** 2.4
    torch.testing.assert_close(actual, expected.clamp(0, 1), atol=3e-4, rtol=0)


@pytest.mark.parametrize("primaries", [4, 5, 6, 7, 9, 11, 12, 22])
def test_greys_stay_grey(primaries: int) -> None:
    grey = torch.full((1, 3, 2, 2), 0.5)
    actual = VideoColors(primaries=primaries).to_bt709(grey)
    torch.testing.assert_close(actual, grey, atol=1e-5, rtol=0)


@pytest.mark.parametrize("primaries", [1, 2, 0])
def test_usual_and_untold_primaries_are_left_alone(primaries: int) -> None:
    colors = torch.rand(1, 3, 4, 4)
    assert VideoColors(primaries=primaries).to_bt709(colors) is colors


@pytest.mark.parametrize(
    ("matrix", "size", "expected"),
    [
        (1, (64, 48), "bt709"),
        (6, (1920, 1080), "bt601"),
        (2, (720, 576), "bt601"),
        (2, (1280, 720), "bt709"),
        (9, (64, 48), "bt2020"),
    ],
)
def test_matrix_that_is_not_told_is_that_of_players(
    matrix: int, size: tuple[int, int], expected: str
) -> None:
    assert VideoColors(matrix=matrix).matrix_name(*size) == expected
