"""The reach that is reckoned from the config covers all that a pixel changes."""

from __future__ import annotations

import torch

from stylekernel_hf.model.statistics import channel_statistics
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.tiling.receptive_field import content_reach, full_reach, style_reach

MIDDLE = 192


def changed(before: torch.Tensor, after: torch.Tensor, cell: int) -> tuple[int, int]:
    """Farthest distances in px, before and behind the altered pixel, of cells that changed."""
    values_per_cell = before.shape[2] * cell // (2 * MIDDLE)
    rows = (before != after).any(dim=(0, 1, 3)).nonzero().flatten() // values_per_cell * cell
    return MIDDLE - int(rows.min()) - cell + 1, int(rows.max()) - MIDDLE


@torch.inference_mode()
def test_a_pixel_changes_nothing_beyond_the_reach(model: StyleKernelModel) -> None:
    generator = torch.Generator().manual_seed(3)
    picture = torch.rand(1, 3, 2 * MIDDLE, 64, generator=generator)
    altered = picture.clone()
    altered[:, :, MIDDLE, 32] = 1 - altered[:, :, MIDDLE, 32]
    style = model.encode_style(torch.rand(1, 3, 64, 64, generator=generator))
    features, others = model.encode_content(picture), model.encode_content(altered)
    statistics = [channel_statistics(level) for level in features]
    before, after = (model.stylize(each, statistics, style) for each in (features, others))
    coarsest = model.config.stem_stride * 2 ** (len(model.config.style_channels) - 1)
    measured = {
        content_reach: changed(features[-1], others[-1], model.stride),
        style_reach: changed(
            model.style_encoder(picture)[-1], model.style_encoder(altered)[-1], coarsest
        ),
        full_reach: changed(before, after, model.stride),
    }
    for reach, distances in measured.items():
        assert max(distances) <= reach(model.config), reach.__name__
    assert max(measured[full_reach]) > model.stride


def test_reach_of_the_preset_small_is_what_counting_gives() -> None:
    with torch.device("meta"):
        model = StyleKernelModel()
    # 1 px of the stem, 2 + 4 to stride 4 and within, 4 + 8 to stride 8 and within.
    assert content_reach(model.config) == 1 + (2 + 4) + (4 + 8)
    # RGB and the finest convolution at stride 2 make 4 px, the upsampling from stride 4 and two
    # convolutions there 12 more; at stride 8 the upsampling, one convolution, three blocks of
    # 16 px each, two dynamic convolutions.
    assert full_reach(model.config) == 16 + 8 + 8 + 3 * 16 + 2 * 8 + content_reach(model.config)
