"""The residual style block."""

import torch

from stylekernel_hf.model.decoder import StyleBlock
from tests.model.references import assert_near


def block() -> StyleBlock:
    torch.manual_seed(0)
    return StyleBlock(4, 5)


def test_block_starts_as_the_identity() -> None:
    features, code = torch.randn(2, 4, 6, 7), torch.randn(2, 5)
    assert torch.equal(block()(features, code), features)


def test_style_changes_what_a_trained_block_adds() -> None:
    trained = block()
    torch.nn.init.normal_(trained.project.weight)
    torch.nn.init.normal_(trained.expand.modulation.affine.weight)
    features = torch.randn(1, 4, 6, 7)
    one, other = (trained(features, torch.randn(1, 5)) - features for _ in range(2))
    assert (one - other).abs().mean() > 0.1


def test_block_reaches_two_pixels_and_no_further() -> None:
    trained = block()
    torch.nn.init.normal_(trained.project.weight)
    features, code = torch.zeros(1, 4, 11, 11), torch.randn(1, 5)
    touched = features.clone()
    touched[..., 5, 5] = 1
    changed = (trained(touched, code) != trained(features, code)).any(dim=1)[0]
    rows, columns = changed.nonzero().unbind(1)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (3, 7, 3, 7)


def test_trained_block_mixes_all_channels() -> None:
    trained = block()
    torch.nn.init.normal_(trained.project.weight)
    features, code = torch.randn(1, 4, 6, 7), torch.randn(1, 5)
    changed = features.clone()
    changed[:, 0] += 1
    difference = trained(changed, code) - trained(features, code)
    assert (difference[0].abs().amax(dim=(1, 2)) > 1e-3).all()


def test_one_style_serves_a_batch() -> None:
    trained = block().double()
    torch.nn.init.normal_(trained.project.weight)
    features = torch.randn(3, 4, 6, 7, dtype=torch.float64)
    code = torch.randn(1, 5, dtype=torch.float64)
    each = torch.cat([trained(item[None], code) for item in features])
    assert_near(trained(features, code), each)
    assert_near(trained(features, code.expand(3, 5)), each)
