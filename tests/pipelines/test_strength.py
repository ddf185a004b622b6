"""The trained weights: strength moves the picture steadily from the photo to the style."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from stylekernel_hf.images.loading import load_image
from stylekernel_hf.images.tensors import to_rgb_tensor
from stylekernel_hf.metrics.distances import content_distance, style_distance
from stylekernel_hf.metrics.perceptual import PerceptualNetwork, load_perceptual_network
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.pipelines.tasks import pipeline
from tests.tiny import save_tiny_vgg

EXAMPLES = Path(__file__).parents[2] / "demo" / "examples"
STRENGTHS = [0.0, 0.25, 0.5, 0.75, 1.0]


@pytest.fixture(scope="module")
def pipe() -> StyleKernelPipeline:
    return pipeline("style-kernel", device="cpu")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> PerceptualNetwork:
    # Random features of natural pictures keep their order: VGG-19 itself cannot be had offline.
    path = tmp_path_factory.mktemp("features") / "vgg.safetensors"
    return load_perceptual_network(save_tiny_vgg(path, width=16))


@pytest.mark.parametrize("style", ["swirling_oil", "mosaic", "woodblock"])
def test_both_distances_are_monotonic_in_strength(
    pipe: StyleKernelPipeline, network: PerceptualNetwork, style: str
) -> None:
    photo = load_image(EXAMPLES / "photos" / "coffee.jpg").resize((192, 128))
    painting = EXAMPLES / "styles" / f"{style}.jpg"
    with torch.inference_mode():
        of_photo = network(to_rgb_tensor(photo, name="content")[0])
        of_style = network(to_rgb_tensor(painting, name="style")[0])
        contents: list[float] = []
        styles: list[float] = []
        for strength in STRENGTHS:
            image = pipe(photo, painting, strength=strength, output_type="pt").images[0]
            features = network(image[None])
            contents.append(content_distance(features, of_photo).item())
            styles.append(style_distance(features, of_style).item())
    assert contents[0] == 0
    assert np.all(np.diff(contents) > 0), contents
    # These are not the features that the weights were trained on: close to the full style their
    # distance may stand still, within a hundredth of the whole way. On VGG-19 it fell throughout.
    whole_way = styles[0] - styles[-1]
    assert np.all(np.diff(styles) < 0.01 * whole_way), styles
    assert np.all(np.diff(styles)[:-1] < 0), styles


def test_picture_changes_continuously_with_strength(pipe: StyleKernelPipeline) -> None:
    photo = load_image(EXAMPLES / "photos" / "chelsea.jpg").resize((192, 128))
    style = pipe.encode_style(EXAMPLES / "styles" / "palette_knife.jpg")
    images = [pipe(photo, style, strength=i / 20, output_type="np").images[0] for i in range(21)]
    whole = np.abs(images[-1] - images[0]).mean()
    steps = [np.abs(b - a).mean() for a, b in itertools.pairwise(images)]
    assert max(steps) < whole / 4, (whole, steps)
