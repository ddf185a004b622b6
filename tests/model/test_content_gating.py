import math

import pytest
import torch
from torch import Tensor

from stylekernel_hf.model.content_gating import ContentGating
from stylekernel_hf.ops import gated_attention as attention
from stylekernel_hf.ops.gated_attention import gated_attention, gated_attention_weights
from tests.model.references import as_array, assert_near, gated_weights_by_loops

# What is left of a token below the threshold is less.
NOTHING = 3e-6


def attention_inputs(
    pixels: int = 5, tokens: int = 7, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Query, key, gamma and beta such that every row keeps some tokens and drops others."""
    query = torch.randn(2, pixels, 4, dtype=dtype) * 1.5
    key = torch.randn(2, tokens, 4, dtype=dtype) * 1.5
    gamma = torch.rand(2, pixels, 1, dtype=dtype) + 0.5
    return query, key, gamma, torch.randn(2, pixels, 1, dtype=dtype) * 0.2


def test_weights_are_gated_by_the_threshold_of_each_row():
    inputs = attention_inputs()
    expected = gated_weights_by_loops(*inputs)
    assert 0 < (expected < NOTHING).mean() < 1
    assert_near(gated_attention_weights(*inputs), expected)


def test_rows_sum_to_one_and_are_non_negative():
    query, key, gamma, beta = attention_inputs(dtype=torch.float32)
    beta[:, :2] = 100
    weights = gated_attention_weights(query, key, gamma, beta)
    assert weights.min() >= 0
    assert_near(weights.sum(dim=2), torch.ones(2, 5), 1e-6)


def test_token_below_the_threshold_has_next_to_no_weight():
    query, key = torch.tensor([[[2.0]]]), torch.tensor([[[1.0], [0.9], [-1.0]]])
    gamma, beta = torch.ones(1, 1, 1), torch.zeros(1, 1, 1)
    weights = gated_attention_weights(query, key, gamma, beta)[0, 0]
    # Scores 2, 1.8 and -2 with their mean, 0.6, as the threshold.
    assert weights[2] < 1e-7
    assert weights[0] / weights[1] == pytest.approx(1.4 / 1.2 * math.exp(0.2), rel=1e-5)


def test_half_floats_keep_a_row_that_is_gated_away_altogether():
    query, key, gamma, _ = attention_inputs(tokens=4096, dtype=torch.float16)
    weights = gated_attention_weights(query, key, gamma, torch.full_like(gamma, 1000))
    assert weights.dtype == torch.float16
    assert_near(weights.double().sum(dim=2), torch.ones(2, 5), 0.01)


def test_row_that_is_gated_away_altogether_is_plain_softmax():
    query, key, gamma, beta = attention_inputs()
    softmax = torch.softmax(torch.einsum("bnd,bmd->bnm", query, key) / 2, dim=2)
    beta[:, 1] = 1000
    weights = gated_attention_weights(query, key, gamma, beta)
    assert_near(weights[:, 1], softmax[:, 1])
    assert (weights[:, 0] - softmax[:, 0]).abs().max() > 0.01


def test_row_that_is_gated_away_altogether_passes_finite_gradients():
    query, key, gamma, _ = attention_inputs(dtype=torch.float32)
    query.requires_grad_()
    weights = gated_attention_weights(query, key, gamma, torch.full((2, 5, 1), 1000.0))
    weights.square().sum().backward()
    assert query.grad is not None
    assert query.grad.isfinite().all()
    assert query.grad.abs().max() > 1e-4


def test_a_higher_threshold_concentrates_on_fewer_tokens():
    query, key, gamma, _ = attention_inputs(pixels=20, tokens=30)
    kept: list[float] = []
    for height in (-3.0, -0.5, 0.0, 0.5):
        weights = gated_attention_weights(query, key, gamma, torch.full_like(gamma, height))
        kept.append((weights > NOTHING).double().mean().item())
    assert kept == sorted(kept, reverse=True)
    assert kept[0] > 0.9 > 0.5 > kept[-1]


@pytest.mark.parametrize("magnitude", [20.0, 80.0, 300.0])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 2e-4), (torch.bfloat16, 0.02)], ids=["fp32", "bf16"]
)
def test_large_scores_of_either_sign_stay_finite(
    magnitude: float, dtype: torch.dtype, tolerance: float
):
    # Halves and small integers only: scores and thresholds are exact in both dtypes.
    query = torch.tensor([[[1.0], [-1.0], [0.5]]]) * magnitude
    key = torch.tensor([[[1.0], [-1.0], [0.5], [-0.5]]])
    gamma, beta = torch.zeros(1, 3, 1), torch.full((1, 3, 1), -2.0)
    inputs = [part.to(dtype).requires_grad_() for part in (query, key, gamma, beta)]
    weights = gated_attention_weights(*inputs)
    assert weights.dtype == dtype
    assert_near(weights, gated_weights_by_loops(query, key, gamma, beta), tolerance)
    weights.square().sum().backward()
    assert all(part.grad is not None and part.grad.isfinite().all() for part in inputs)


def test_attention_averages_the_values_with_the_weights():
    inputs = attention_inputs()
    query, key, gamma, beta = inputs
    value = torch.randn(2, 7, 3, dtype=torch.float64)
    expected = gated_weights_by_loops(*inputs) @ as_array(value)
    assert_near(gated_attention(query, key, value, gamma, beta), expected)


@pytest.mark.parametrize("chunk", [1, 3, 5, 9, 10])
def test_attention_in_chunks_equals_the_whole(chunk: int, monkeypatch: pytest.MonkeyPatch):
    query, key, gamma, beta = attention_inputs(pixels=10)
    value = torch.randn(2, 7, 3, dtype=torch.float64)
    whole = gated_attention(query, key, value, gamma, beta)
    monkeypatch.setattr(attention, "QUERY_CHUNK", chunk)
    assert_near(gated_attention(query, key, value, gamma, beta), whole)


def test_never_more_rows_than_a_chunk_are_held(monkeypatch: pytest.MonkeyPatch):
    rows: list[int] = []

    counted_scores = attention._above_threshold

    def counted(query: Tensor, *rest: Tensor) -> Tensor:
        rows.append(query.shape[1])
        return counted_scores(query, *rest)

    monkeypatch.setattr(attention, "_above_threshold", counted)
    monkeypatch.setattr(attention, "QUERY_CHUNK", 4)
    query, key, gamma, beta = attention_inputs(pixels=10)
    gated_attention(query, key, torch.randn(2, 7, 3, dtype=torch.float64), gamma, beta)
    assert rows == [4, 4, 2]


def test_attention_gradients_are_those_of_finite_differences():
    query, key, gamma, beta = attention_inputs(pixels=2, tokens=4)
    beta[:, 0] = 1000
    value = torch.randn(2, 4, 2, dtype=torch.float64)
    inputs = [part.requires_grad_() for part in (query, key, value, gamma, beta)]
    assert torch.autograd.gradcheck(gated_attention, inputs)


def test_gating_predicts_gamma_and_beta_pixel_by_pixel_in_row_major_order():
    gating = ContentGating(3).double()
    torch.nn.init.normal_(gating.threshold.weight)
    content = torch.randn(2, 3, 2, 5, dtype=torch.float64)
    gamma, beta = gating(content)
    weight = as_array(gating.threshold.weight)[:, :, 0, 0]
    for pixel in range(10):
        at_pixel = as_array(content)[:, :, pixel // 5, pixel % 5]
        expected = at_pixel @ weight.T + as_array(gating.threshold.bias)
        assert_near(torch.cat([gamma[:, pixel], beta[:, pixel]], dim=1), expected)


def test_about_two_thirds_of_the_scores_pass_at_first():
    gating = ContentGating(3)
    gamma, beta = gating(torch.randn(1, 3, 10, 10))
    # Of width 1, and normal: the scores are the queries times the keys.
    weights = gated_attention_weights(torch.ones(1, 100, 1), torch.randn(1, 2000, 1), gamma, beta)
    passed = (weights > NOTHING / 2000).double().mean().item()
    assert passed == pytest.approx(0.69, abs=0.03)
