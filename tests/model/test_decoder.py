import pytest
import torch
from torch import Tensor

from stylekernel_hf.model.decoder import Decoder
from tests.model.references import assert_near


def decoder_of(shuffle: int = 2) -> Decoder:
    return Decoder((4, 6, 8), (1, 2, 1), blocks=1, code_channels=5, shuffle=shuffle)


def features_of(levels: int, height: int = 3, width: int = 2) -> list[Tensor]:
    """Features of the coarsest `levels` levels, finest first."""
    all_levels = [
        torch.randn(2, channels, height * factor, width * factor)
        for channels, factor in ((4, 4), (6, 2), (8, 1))
    ]
    return all_levels[-levels:]


@pytest.mark.parametrize("shuffle", [1, 2, 4])
@pytest.mark.parametrize("levels", [1, 2, 3])
def test_picture_is_as_much_larger_as_the_encoder_made_it_smaller(shuffle: int, levels: int):
    picture = decoder_of(shuffle)(features_of(levels), torch.randn(2, 5))
    assert picture.shape == (2, 3, 3 * 4 * shuffle, 2 * 4 * shuffle)


def test_picture_stays_in_0_to_1_for_extreme_features():
    picture = decoder_of()([1e6 * x for x in features_of(2)], torch.randn(2, 5))
    assert picture.min() >= 0
    assert picture.max() <= 1
    assert picture.std() > 0.1


@pytest.mark.parametrize("shuffle", [2, 4])
def test_pixel_shuffle_starts_without_a_checkerboard(shuffle: int):
    picture = decoder_of(shuffle)(features_of(2), torch.randn(2, 5))
    blocks = picture.unfold(2, shuffle, shuffle).unfold(3, shuffle, shuffle)
    assert_near(blocks, blocks[..., :1, :1].expand_as(blocks), 1e-6)
    assert blocks[..., 0, 0].std() > 1e-3


@pytest.mark.parametrize("level", [0, 1, 2])
def test_every_level_of_features_counts(level: int):
    decoder, code = decoder_of(), torch.randn(2, 5)
    features = features_of(3)
    before = decoder(features, code)
    features[level] = features[level] + torch.randn(features[level].shape)
    assert (decoder(features, code) - before).abs().max() > 1e-4


def test_block_counts_once_it_is_no_identity():
    decoder, code, features = decoder_of(), torch.randn(2, 5), features_of(2)
    before = decoder(features, code)
    torch.nn.init.normal_(decoder.blocks[0].project.weight)
    assert (decoder(features, code) - before).abs().max() > 1e-3


def test_features_are_left_as_they_were():
    features = features_of(3)
    before = [x.clone() for x in features]
    decoder_of()(features, torch.randn(1, 5))
    assert all(torch.equal(x, y) for x, y in zip(features, before, strict=True))


def test_upsampling_leaves_no_edges_between_the_coarse_pixels():
    # With convolutions that look at one pixel only, every step from pixel to pixel is upsampling's.
    decoder = decoder_of(shuffle=1)
    for parameter in decoder.parameters():
        if parameter.shape[2:] == (3, 3):
            centre = parameter.data[..., 1:2, 1:2].clone()
            parameter.data.zero_()[..., 1:2, 1:2] = centre
    features = [1000 * x for x in features_of(1, height=32, width=32)]
    picture = decoder(features, torch.randn(2, 5))
    steps = picture.diff(dim=3).abs().mean(dim=(0, 1, 2))[4:-3].unflatten(0, (-1, 4)).mean(dim=0)
    # Steps 0 to 2 lie inside a coarse pixel, step 3 crosses from one to the next.
    assert steps[3] < 2 * steps[:3].mean()
    assert steps[:3].min() > 1e-5


def test_stage_without_a_convolution_is_refused():
    with pytest.raises(ValueError, match=r"decoder_depths must be at least 1 each, got \(0, 1\)"):
        Decoder((4, 6), (0, 1), blocks=1, code_channels=5, shuffle=2)
