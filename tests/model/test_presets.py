import pytest
import torch

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
