"""Both feature networks against torchvision and against functional code, with random weights."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models import VGG19_Weights, vgg19
from torchvision.transforms.functional import normalize

from stylekernel_hf.metrics.perceptual import FEATURE_LAYERS, load_perceptual_network

STUDENT_WIDTHS = (4, 5, 6, 7, 8)
STUDENT_DEPTHS = (2, 2, 4, 4, 1)
LIFTED_WIDTHS = (9, 10, 11)


@pytest.fixture(scope="module")
def torchvision_features() -> nn.Sequential:
    """Torchvision's VGG-19 up to relu5_1 with random weights, without its 120 million others."""
    with torch.device("meta"):
        features = vgg19(weights=None, init_weights=False).features[:30]
    features = features.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(0)
    for layer in features:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, generator=generator)
            nn.init.uniform_(layer.bias, -0.5, 0.5, generator=generator)
    return features.eval()


@pytest.fixture(scope="module")
def vgg19_weights(torchvision_features: nn.Sequential) -> dict[str, Tensor]:
    return {f"features.{key}": value for key, value in torchvision_features.state_dict().items()}


@pytest.fixture(scope="module")
def student_weights() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    weights: dict[str, Tensor] = {}

    def add(name: str, shape: tuple[int, int, int, int]) -> None:
        fan_in = shape[1] * shape[2] * shape[3]
        weights[f"{name}.weight"] = torch.randn(shape, generator=generator) * (2 / fan_in) ** 0.5
        weights[f"{name}.bias"] = torch.rand(shape[0], generator=generator)

    add("input", (3, 3, 1, 1))
    channels = 3
    for level, (width, depth) in enumerate(
        zip(STUDENT_WIDTHS, STUDENT_DEPTHS, strict=True), start=1
    ):
        for index in range(1, depth + 1):
            add(f"conv{level}_{index}", (width, channels, 3, 3))
            channels = width
    for layer, width, lifted in zip(
        FEATURE_LAYERS[2:], STUDENT_WIDTHS[2:], LIFTED_WIDTHS, strict=True
    ):
        add(f"to_vgg19.{layer}", (lifted, width, 1, 1))
    return weights


def random_image(height: int = 40, width: int = 48) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(2))


def saved(weights: dict[str, Tensor], path: Path) -> Path:
    save_file(weights, path)
    return path


@torch.no_grad()
def torchvision_activations(features: nn.Sequential, image: Tensor) -> list[Tensor]:
    preset = VGG19_Weights.IMAGENET1K_V1.transforms()
    x = normalize(image, preset.mean, preset.std)
    outputs: list[Tensor] = []
    for layer in features:
        # A copy, for its ReLUs work in place.
        x = layer(x.clone())
        outputs.append(x)
    return [outputs[place] for place in (1, 6, 11, 20, 29)]


def assert_all_close(features: list[Tensor], expected: list[Tensor]) -> None:
    assert len(features) == len(expected) == 5
    for actual, reference in zip(features, expected, strict=True):
        assert reference.std() > 0.01
        torch.testing.assert_close(actual, reference, rtol=1e-4, atol=1e-4)


def test_vgg19_gives_the_activations_of_torchvision(
    tmp_path: Path, torchvision_features: nn.Sequential, vgg19_weights: dict[str, Tensor]
):
    network = load_perceptual_network(saved(vgg19_weights, tmp_path / "vgg19.safetensors"))
    image = random_image()
    assert_all_close(network(image), torchvision_activations(torchvision_features, image))


def test_half_precision_files_are_computed_in_float32(
    tmp_path: Path, student_weights: dict[str, Tensor]
):
    halves = {key: value.half() for key, value in student_weights.items()}
    network = load_perceptual_network(saved(halves, tmp_path / "half.safetensors"))
    full = load_perceptual_network(saved(student_weights, tmp_path / "full.safetensors"))
    for actual, reference in zip(network(random_image()), full(random_image()), strict=True):
        assert actual.dtype == torch.float32
        torch.testing.assert_close(actual, reference, rtol=0.02, atol=0.02)


def test_without_a_path_the_weights_are_those_of_torchvision(
    monkeypatch: pytest.MonkeyPatch,
    torchvision_features: nn.Sequential,
    vgg19_weights: dict[str, Tensor],
):
    asked: list[object] = []

    def fake_vgg19(*, weights: object) -> SimpleNamespace:
        asked.append(weights)
        return SimpleNamespace(state_dict=lambda: vgg19_weights)

    monkeypatch.setattr("torchvision.models.vgg19", fake_vgg19)
    image = random_image(32, 32)
    features = load_perceptual_network()(image)
    assert asked == [VGG19_Weights.IMAGENET1K_V1]
    assert_all_close(features, torchvision_activations(torchvision_features, image))


def test_student_pads_by_reflection_and_lifts_its_deep_layers(
    tmp_path: Path, student_weights: dict[str, Tensor]
):
    def conv(x: Tensor, name: str) -> Tensor:
        weight = student_weights[f"{name}.weight"]
        if weight.shape[2] == 3:
            x = nn.functional.pad(x, (1, 1, 1, 1), mode="reflect")
        return nn.functional.conv2d(x, weight, student_weights[f"{name}.bias"])

    image = random_image()
    x = conv(image, "input")
    expected: list[Tensor] = []
    for level, depth in enumerate(STUDENT_DEPTHS, start=1):
        for index in range(1, depth + 1):
            x = conv(x, f"conv{level}_{index}").clamp_min(0)
            if index == 1:
                lift = f"to_vgg19.relu{level}_1"
                expected.append(conv(x, lift).clamp_min(0) if level >= 3 else x)
        x = nn.functional.max_pool2d(x, 2, 2)

    network = load_perceptual_network(saved(student_weights, tmp_path / "student.safetensors"))
    features = network(image)
    assert_all_close(features, expected)
    assert [layer.shape[1] for layer in features] == [*STUDENT_WIDTHS[:2], *LIFTED_WIDTHS]


def test_gradients_reach_the_image_and_not_the_weights(
    tmp_path: Path, student_weights: dict[str, Tensor]
):
    network = load_perceptual_network(saved(student_weights, tmp_path / "student.safetensors"))
    image = random_image(32, 32).requires_grad_()
    torch.stack([layer.sum() for layer in network(image)]).sum().backward()
    assert image.grad is not None and image.grad.abs().sum() > 0
    assert not any(weight.requires_grad for weight in network.parameters())


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"perceptual: no such file: '.*absent\.st'"):
        load_perceptual_network(tmp_path / "absent.st")


def test_a_file_of_another_kind_is_refused(tmp_path: Path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"PK\x03\x04 not safetensors at all")
    with pytest.raises(ValueError, match=r"perceptual must be a safetensors file, got '.*pth'"):
        load_perceptual_network(path)


@pytest.mark.parametrize("key", ["conv4_3.weight", "conv5_1.bias", "to_vgg19.relu4_1.weight"])
def test_a_student_without_one_of_its_weights_is_refused(
    tmp_path: Path, student_weights: dict[str, Tensor], key: str
):
    weights = {name: value for name, value in student_weights.items() if name != key}
    with pytest.raises(ValueError, match=f"lacks '{key}'"):
        load_perceptual_network(saved(weights, tmp_path / "student.safetensors"))


def test_a_vgg19_that_ends_too_early_is_refused(tmp_path: Path):
    weights = {"features.0.weight": torch.zeros(4, 3, 3, 3), "features.0.bias": torch.zeros(4)}
    with pytest.raises(ValueError, match=r"up to conv5_1, but .* lacks 'features\.2\.weight'"):
        load_perceptual_network(saved(weights, tmp_path / "short.safetensors"))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("conv2_1.bias", torch.full((5,), float("nan")), "must hold finite numbers"),
        ("conv2_1.weight", torch.full((5, 4, 3, 3), float("inf")), "must hold finite numbers"),
        ("conv2_1.weight", torch.ones(5, 4, 3, 3).double() * 1e300, "that torch.float32 can"),
        ("conv2_1.weight", torch.zeros(5, 4, 3, 3, dtype=torch.int8), "must be of floating point"),
        ("conv2_1.weight", torch.zeros(5, 4, 3), "must be of a convolution, got 3"),
    ],
)
def test_tensor_that_is_of_no_network_is_named_with_its_file(
    tmp_path: Path, student_weights: dict[str, Tensor], key: str, value: Tensor, message: str
):
    path = saved({**student_weights, key: value}, tmp_path / "student.safetensors")
    with pytest.raises(ValueError, match=rf"tensor {key} in '.*student\.safetensors' .*{message}"):
        load_perceptual_network(path)


@pytest.mark.parametrize("key", ["conv2_1.weight", "conv2_1.bias", "to_vgg19.relu4_1.weight"])
def test_layers_that_do_not_fit_together_are_refused(
    tmp_path: Path, student_weights: dict[str, Tensor], key: str
):
    shape = list(student_weights[key].shape)
    weights = {**student_weights, key: torch.zeros(shape[:1] + [2] * len(shape[1:]))}
    if key.endswith("bias"):
        weights[key] = torch.zeros(shape[0] + 1)
    path = saved(weights, tmp_path / "student.safetensors")
    with pytest.raises(ValueError, match=r"layers that fit together, .*student\.safetensors' do"):
        load_perceptual_network(path)
