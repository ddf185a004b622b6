"""FID and ArtFID's product against scipy, on random features and a random Inception."""

import importlib.util
import sys
from urllib.error import URLError

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from stylekernel_hf.metrics.frechet import art_fid, frechet_distance, load_inception

needs_torch_fidelity = pytest.mark.skipif(
    importlib.util.find_spec("torch_fidelity") is None, reason="needs torch-fidelity"
)


def slow_frechet(a: np.ndarray, b: np.ndarray) -> float:
    covariances = [np.cov(x, rowvar=False) for x in (a, b)]
    root = np.real(sqrtm(covariances[0] @ covariances[1]))
    difference = a.mean(0) - b.mean(0)
    return float(difference @ difference + np.trace(sum(covariances) - 2 * root))


def test_distance_equals_that_of_scipy() -> None:
    random = np.random.default_rng(0)
    a = random.normal(size=(40, 6)) @ random.normal(size=(6, 6))
    b = random.normal(1, 2, size=(30, 6))
    distance = frechet_distance(torch.from_numpy(a).float(), torch.from_numpy(b).float())
    assert distance == pytest.approx(slow_frechet(a, b), rel=1e-4)


def test_distance_of_shifted_features_is_the_square_of_the_shift() -> None:
    features = torch.randn(50, 4, generator=torch.Generator().manual_seed(1))
    assert frechet_distance(features + 3, features) == pytest.approx(4 * 9, rel=1e-4)


def test_a_set_is_at_no_distance_from_itself_even_if_it_is_small() -> None:
    features = torch.randn(3, 64, generator=torch.Generator().manual_seed(2))
    assert frechet_distance(features, features.clone()) == 0


def test_art_fid_is_1_for_perfect_results_and_multiplies_faults() -> None:
    assert art_fid(0.0, 0.0) == 1
    assert art_fid(0.5, 19.0) == pytest.approx(30)


@needs_torch_fidelity
def test_weights_that_cannot_be_had_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr("torch.hub._hub_dir", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", fail)
    with pytest.raises(OSError, match=r"FID needs the weights .*inception.*\.pth.*no network"):
        load_inception()


@needs_torch_fidelity
def test_inception_takes_8_bit_pictures_of_any_size_to_2048_features(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With random weights: the real ones are downloaded."""
    module = "torch_fidelity.feature_extractor_inceptionv3"
    monkeypatch.setattr(f"{module}.load_state_dict_from_url", lambda *_, **__: {})
    monkeypatch.setattr(torch.nn.Module, "load_state_dict", lambda *_, **__: None)
    torch.manual_seed(0)
    inception = load_inception()
    generator = torch.Generator().manual_seed(3)
    pictures = torch.randint(0, 256, (2, 3, 64, 96), generator=generator, dtype=torch.uint8)
    with torch.no_grad():
        together, alone = inception(pictures), inception(pictures[1:])
    assert together.shape == (2, 2048) and together.dtype == torch.float32
    # Random weights make tiny features, of which only shares tell something.
    scale = alone.norm()
    assert (together[1] - alone[0]).norm() < 1e-3 * scale
    assert (together[0] - together[1]).norm() > 1e-2 * scale


def test_without_torch_fidelity_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(ImportError, match=r"torch-fidelity.*stylekernel-hf\[train,fid\]"):
        load_inception()
