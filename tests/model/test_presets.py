import pytest
import torch

from stylekernel_hf.model.statistics import channel_statistics, normalise
from stylekernel_hf.pretrained.presets import PRESETS, build_model


def test_small_has_a_few_million_parameters_at_most():
    with torch.device("meta"):
        model = build_model("small")
    assert 500_000 < sum(parameter.numel() for parameter in model.parameters()) < 5_000_000


def test_presets_have_the_same_strides():
    with torch.device("meta"):
        models = [build_model(preset) for preset in PRESETS]
    assert [(model.stride, model.style_stride) for model in models] == [(8, 16), (8, 16)]


@pytest.mark.parametrize("wrong", ["large", "", "Small"])
def test_unknown_preset_is_an_error_that_names_the_argument(wrong: str):
    with pytest.raises(ValueError, match=f"^preset must be 'small' or 'base', got '{wrong}'$"):
        build_model(wrong)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_parameter_gets_a_finite_gradient(preset: str):
    model = build_model(preset)
    for block in model.decoder.blocks:  # These start as the identity, and pass nothing back yet.
        torch.nn.init.normal_(block.project.weight)
    picture = model(torch.rand(1, 3, 64, 64), model.encode_style(torch.rand(1, 3, 64, 64)))
    (picture * torch.randn_like(picture)).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_every_place_gets_a_style_of_its_own_from_the_start():
    """Training finds no use for an alignment whose results are the same everywhere.

    Base is not asked: it starts as a smaller network or as VGG-19.
    """
    torch.manual_seed(0)
    model = build_model("small")
    coarse = torch.rand(2, 1, 3, 12, 12)
    content, style = (
        torch.nn.functional.interpolate(x, (96, 96), mode="bicubic").clamp(0, 1) for x in coarse
    )
    with torch.no_grad():
        encoded = model.encode_style(style)
        features = model.encode_content(content)[-1]
        statistics = channel_statistics(features)
        query = model.style_alignment.query(normalise(features, statistics)).flatten(2)
        scores = encoded.key @ query * query.shape[1] ** -0.5
        aligned = model.align(features, statistics, encoded)
        hidden = torch.relu(model.kernel_generators[-1].hidden(aligned))
    assert 0.2 < scores.std() < 2
    assert hidden.std(dim=(2, 3)).mean() > 0.05 * hidden.mean()
