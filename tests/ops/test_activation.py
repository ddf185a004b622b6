import pytest
import torch

from stylekernel_hf.ops.activation import relu_


def test_every_bfloat16_is_rectified_as_relu_does():
    # All 65,536 of them, with both zeros and infinities; what a NaN becomes is another matter.
    bits = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16)
    values = bits.view(torch.bfloat16)
    values = values[~values.isnan()]
    assert torch.equal(relu_(values.clone()), values.relu())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_features_are_rectified_in_place(dtype: torch.dtype):
    features = torch.randn(2, 4, 5, 3).to(dtype).contiguous(memory_format=torch.channels_last)
    expected = features.relu()
    assert relu_(features) is features
    assert torch.equal(features, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradient_passes_where_features_are_positive(dtype: torch.dtype):
    features = torch.randn(3, 50).to(dtype).requires_grad_()
    relu_(features * 1).sum().backward()
    assert features.grad is not None
    assert torch.equal(features.grad, (features > 0).to(dtype))
