import numpy as np
import pytest
import torch

from stylekernel_hf.images.reflection import ReflectedLine

CPU = torch.device("cpu")


@pytest.mark.parametrize("length", [1, 2, 3, 9])
@pytest.mark.parametrize(("before", "after"), [(0, 0), (3, 0), (0, 4), (2, 5), (20, 30)])
def test_every_run_is_cut_from_numpys_reflection(length: int, before: int, after: int) -> None:
    x = torch.randint(0, 256, (2, length, 3), dtype=torch.uint8)
    padded = np.pad(x.numpy(), [(0, 0), (before, after), (0, 0)], mode="reflect")
    line = ReflectedLine(length, before, after, CPU)
    assert len(line) == padded.shape[1]
    for start in range(len(line)):
        for stop in range(start, len(line) + 1):
            taken = line.take(x, 1, start, stop).numpy()
            np.testing.assert_array_equal(taken, padded[:, start:stop])


def test_pixels_inside_are_not_copied() -> None:
    x = torch.rand(4, 10)
    inside = ReflectedLine(10, 3, 3, CPU).take(x, 1, 5, 12)
    assert inside.data_ptr() == x[:, 2:].data_ptr()
