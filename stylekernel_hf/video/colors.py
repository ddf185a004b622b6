"""The colours of a video: how its numbers become RGB of the primaries that pictures have."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

# Numbers of ITU-T H.273, by which files tag their colours.
BT709, UNSPECIFIED = 1, 2
LIMITED_RANGE, FULL_RANGE = 1, 2
_MATRICES = {
    1: "bt709",
    4: "fcc",
    5: "bt601",
    6: "bt601",
    7: "smpte240m",
    9: "bt2020",
    10: "bt2020",
}
_HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
# Chromaticities x, y of red, green, blue and white.
_D65 = (0.3127, 0.3290)
_CHROMATICITIES = {
    1: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), _D65),
    4: ((0.670, 0.330), (0.210, 0.710), (0.140, 0.080), (0.310, 0.316)),
    5: ((0.640, 0.330), (0.290, 0.600), (0.150, 0.060), _D65),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
    22: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), _D65),
}
# Screens show all curves of standard dynamic range with about this one (ITU-R BT.1886).
_DISPLAY_GAMMA = 2.4
_MOST_SD_ROWS, _MOST_SD_COLUMNS = 576, 1024


@dataclass(frozen=True)
class VideoColors:
    """The tags of a video: matrix, range, primaries and transfer, as numbers of H.273."""

    matrix: int = UNSPECIFIED
    range: int = 0
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED

    @property
    def hdr(self) -> str | None:
        """The name of a transfer of high dynamic range."""
        return _HDR_TRANSFERS.get(self.transfer)

    def matrix_name(self, width: int, height: int) -> str:
        """Return FFmpeg's name of the matrix; where it is not told, what players take for it."""
        small = height <= _MOST_SD_ROWS and width <= _MOST_SD_COLUMNS
        return _MATRICES.get(self.matrix, "bt601" if small else "bt709")

    def to_bt709(self, rgb: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
        """Return colours of these primaries in those of BT.709, which sRGB has; clamped."""
        if not self.is_foreign:
            return rgb
        matrix = torch.tensor(_to_bt709(self.primaries), dtype=rgb.dtype, device=rgb.device)
        linear = rgb.clamp(0, 1) ** _DISPLAY_GAMMA
        # A sum of three products rather than a matrix product: exact in float32 on every device.
        mixed = (matrix[None, :, :, None, None] * linear[:, None]).sum(dim=2)
        return mixed.clamp(0, 1) ** (1 / _DISPLAY_GAMMA)

    @property
    def is_foreign(self) -> bool:
        """Whether the primaries are told, and not those of BT.709."""
        return self.primaries in _CHROMATICITIES and self.primaries != BT709


@cache
def _to_bt709(primaries: int) -> npt.NDArray[np.float64]:
    """Return the matrix for linear RGB, adapted to the white by scaling in XYZ."""
    source, target = _to_xyz(primaries), _to_xyz(BT709)
    whites = [matrix @ np.ones(3) for matrix in (source, target)]
    return np.linalg.inv(target) @ np.diag(whites[1] / whites[0]) @ source


def _to_xyz(primaries: int) -> npt.NDArray[np.float64]:
    corners = np.array(_CHROMATICITIES[primaries])
    columns = np.stack([corners[:, 0], corners[:, 1], 1 - corners.sum(axis=1)]) / corners[:, 1]
    amounts = np.linalg.solve(columns[:, :3], columns[:, 3])
    return columns[:, :3] * amounts
