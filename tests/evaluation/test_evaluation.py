"""Evaluations of toy stylizers on tiny pictures, with a tiny random feature network."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from stylekernel_hf.evaluation import evaluation
from stylekernel_hf.evaluation.candidate import Candidate
from stylekernel_hf.evaluation.evaluation import select_pairs
from stylekernel_hf.evaluation.evaluation_result import (
    Evaluation,
    PairScore,
    names_of,
    write_json,
)
from stylekernel_hf.images.contact_sheet import GAP
from stylekernel_hf.metrics.distances import content_distance, style_distance
from stylekernel_hf.metrics.frechet import frechet_distance
from stylekernel_hf.metrics.near import local_features, nearness
from stylekernel_hf.metrics.pair_metrics import Metrics
from stylekernel_hf.metrics.pattern import neighbourhoods, pattern_distance
from stylekernel_hf.metrics.ssim import luminance_ssim

SIZE = 64
CONTENTS = 3
STYLES = 4


def draw(path: Path, seed: int, size: tuple[int, int] = (SIZE, SIZE)) -> Path:
    """A picture of soft random patches."""
    patches = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    Image.fromarray(patches).resize(size, Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], list[Path]]:
    folder = tmp_path_factory.mktemp("pictures")
    contents = [draw(folder / f"photo{i}.png", i) for i in range(CONTENTS)]
    styles = [draw(folder / f"painting{j}.png", 100 + j) for j in range(STYLES)]
    return contents, styles


def as_tensor(path: Path) -> Tensor:
    return torch.from_numpy(np.asarray(Image.open(path)).copy()).permute(2, 0, 1)[None] / 255


def keep(content: Tensor, style: Tensor) -> Tensor:
    return content


def paste(content: Tensor, style: Tensor) -> Tensor:
    return style


def blend(content: Tensor, style: Tensor) -> Tensor:
    return 0.6 * content + 0.4 * style


def evaluate(stylize, contents, styles, *, encode_style=None, **options) -> Evaluation:
    """Score one candidate."""
    candidate = Candidate("mine", stylize, encode_style)
    (only,) = evaluation.evaluate([candidate], contents, styles, **options)
    return only


def sample_evaluation() -> Evaluation:
    pairs = (
        PairScore("a.png", "x.png", Metrics(content=0.5, style=0.125, ssim=0.25)),
        PairScore("b.png", "ÿ.png", Metrics(content=1.5, style=0.375, ssim=0.5)),
    )
    return Evaluation("mine", 0.5, SIZE, pairs, Metrics(0.0, 0.75, 1.0), Metrics(2.0, 0.0, 0.0625))


# Metrics


def test_the_content_itself_is_at_no_distance_from_the_content(network, files):
    result = evaluate(keep, *files, network=network, size=SIZE)
    assert {pair.metrics.content for pair in result.pairs} == {0}
    assert [pair.metrics.ssim for pair in result.pairs] == pytest.approx([1] * len(result.pairs))
    assert result.mean == result.content_unchanged
    assert result.mean.style > 0.01


def test_the_style_itself_is_at_no_distance_from_the_style(network, files):
    result = evaluate(paste, *files, network=network, size=SIZE)
    assert {pair.metrics.style for pair in result.pairs} == {0}
    assert result.mean == result.style_pasted
    assert result.mean.content > 0.5 and result.mean.ssim < 0.5


def test_figures_are_those_of_the_result_in_8_bits(network, files):
    result = evaluate(lambda c, s: 3 * blend(c, s) - 1, *files, network=network, size=SIZE)
    pairs = [(content, style) for content in files[0] for style in files[1]]
    assert [(pair.content_name, pair.style_name) for pair in result.pairs] == [
        (content.name, style.name) for content, style in pairs
    ]
    for pair, paths in zip(result.pairs, pairs, strict=True):
        content, style = map(as_tensor, paths)
        stylized = ((3 * blend(content, style) - 1) * 255).round().clamp(0, 255) / 255
        assert pair.metrics.to_json() == pytest.approx(
            {
                "content": content_distance(network(stylized), network(content)).item(),
                "style": style_distance(network(stylized), network(style)).item(),
                "ssim": luminance_ssim(stylized, content).item(),
                "near": nearness(*(local_features(network(x)) for x in (stylized, style))),
                "pattern": pattern_distance(
                    *(neighbourhoods(x, network) for x in (stylized, style))
                ),
            },
            rel=1e-5,
        )


def test_alignment_is_the_share_of_the_change_that_is_lost_without_it(network, files):
    candidate = Candidate(
        "mine", blend, without_alignment=lambda content, style: 0.7 * content + 0.3 * style
    )
    (result,) = evaluation.evaluate([candidate], *files, network=network, size=SIZE)
    # A quarter of what the blend takes of the style, up to rounding to 8 bits.
    for pair in result.pairs:
        assert pair.metrics.extra["alignment"] == pytest.approx(0.25, abs=0.01)
    assert "alignment" not in result.content_unchanged.extra


def test_alignment_of_a_picture_that_is_left_alone_is_nothing(network, files):
    candidate = Candidate("mine", keep, without_alignment=paste)
    (result,) = evaluation.evaluate([candidate], *files, network=network, size=SIZE)
    assert result.mean.extra["alignment"] == 0


def test_means_are_those_of_the_rows(network, files):
    result = evaluate(blend, *files, network=network, size=SIZE)
    for name in ("content", "style", "ssim"):
        rows = [getattr(pair.metrics, name) for pair in result.pairs]
        assert getattr(result.mean, name) == pytest.approx(np.mean(rows), rel=1e-12)
    assert len(result.pairs) == CONTENTS * STYLES


def test_trivial_results_are_scored_on_the_same_pairs(network, files):
    pairs = [(0, 1), (2, 3)]
    result = evaluate(blend, *files, network=network, size=SIZE, pairs=pairs)
    for stylize, mean in ((keep, result.content_unchanged), (paste, result.style_pasted)):
        assert evaluate(stylize, *files, network=network, size=SIZE, pairs=pairs).mean == mean


# What is scored


def test_every_fifth_pair_has_places_that_add_up_to_multiples_of_five():
    expected = {(i, j) for i in range(40) for j in range(25) if divmod(i + j, 5)[1] == 0}
    assert select_pairs(40, 25, every=5) == sorted(expected)
    assert len(expected) == 200
    assert select_pairs(2, 3) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]


def test_only_the_given_pairs_are_scored_each_once_and_content_by_content(network, files):
    pairs = [(2, 1), (0, 3), (2, 0), (0, 3)]
    reports: list[tuple[int, int]] = []
    result = evaluate(
        keep,
        *files,
        network=network,
        size=SIZE,
        pairs=pairs,
        on_result=lambda done, total: reports.append((done, total)),
    )
    assert [(pair.content_name, pair.style_name) for pair in result.pairs] == [
        ("photo0.png", "painting3.png"),
        ("photo2.png", "painting0.png"),
        ("photo2.png", "painting1.png"),
    ]
    assert reports == [(1, 3), (2, 3), (3, 3)]


def test_a_style_is_encoded_once_and_given_as_encoded(network, files):
    encoded: list[Tensor] = []
    given: list[int] = []

    def encode_style(style: Tensor) -> int:
        encoded.append(style)
        return len(encoded) - 1

    def stylize(content: Tensor, style: int) -> Tensor:
        given.append(style)
        return content

    evaluate(stylize, *files, network=network, size=SIZE, encode_style=encode_style)
    assert len(encoded) == STYLES
    assert all(
        torch.equal(style, as_tensor(path)) for style, path in zip(encoded, files[1], strict=True)
    )
    assert given == [*range(STYLES)] * CONTENTS


@pytest.mark.parametrize("size", [(96, 64), (64, 91)])
def test_pictures_are_cut_to_their_central_square(network, tmp_path, size):
    path = draw(tmp_path / "wide.png", 7, size)
    left, top = (size[0] - SIZE) // 2, (size[1] - SIZE) // 2
    seen: list[Tensor] = []

    def stylize(content: Tensor, style: Tensor) -> Tensor:
        seen.extend([content, style])
        return content

    evaluate(stylize, [path], [path], network=network, size=SIZE)
    expected = as_tensor(path)[..., top : top + SIZE, left : left + SIZE]
    assert all(torch.equal(picture, expected) for picture in seen)


def test_pictures_of_another_size_are_scaled(network, tmp_path):
    left_half_red = np.zeros((200, 200, 3), np.uint8)
    left_half_red[:, :100, 0] = 255
    path = tmp_path / "large.png"
    Image.fromarray(left_half_red).save(path)
    result = evaluate(keep, [path], [path], network=network, size=SIZE, keep_images=True)
    assert result.images is not None
    scaled = np.asarray(result.images.contents[0])
    assert scaled.shape == (SIZE, SIZE, 3)
    np.testing.assert_array_equal(scaled[:, 10], np.tile([255, 0, 0], (SIZE, 1)))
    np.testing.assert_array_equal(scaled[:, -10], np.zeros((SIZE, 3)))


def test_a_stylizer_may_use_gradients(network, files):
    def stylize(content: Tensor, style: Tensor) -> Tensor:
        brightness = torch.tensor(0.5, requires_grad=True)
        result = content * brightness
        assert result.requires_grad
        return result

    evaluate(stylize, *files, network=network, size=SIZE, pairs=[(0, 0)])


# JSON and the table


def test_json_holds_every_metric(tmp_path):
    path = tmp_path / "scores.json"
    write_json([sample_evaluation()], path)
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "model": "mine",
        "strength": 0.5,
        "size": SIZE,
        "pair_count": 2,
        "mean": {"content": 1.0, "style": 0.25, "ssim": 0.375},
        "content_unchanged": {"content": 0.0, "style": 0.75, "ssim": 1.0},
        "style_pasted": {"content": 2.0, "style": 0.0, "ssim": 0.0625},
        "pairs": [
            {
                "content_name": "a.png",
                "style_name": "x.png",
                "content": 0.5,
                "style": 0.125,
                "ssim": 0.25,
            },
            {
                "content_name": "b.png",
                "style_name": "ÿ.png",
                "content": 1.5,
                "style": 0.375,
                "ssim": 0.5,
            },
        ],
    }


def test_json_read_back_is_what_was_written(network, files, tmp_path):
    result = evaluate(blend, *files, network=network, size=SIZE)
    write_json([result], tmp_path / "scores.json")
    assert json.loads((tmp_path / "scores.json").read_bytes()) == result.to_json()


def test_a_failing_stylizer_leaves_the_old_scores(network, files, tmp_path):
    path = tmp_path / "scores.json"
    path.write_text("old")
    calls: list[Tensor] = []

    def stylize(content: Tensor, style: Tensor) -> Tensor:
        calls.append(content)
        if len(calls) == 3:
            raise RuntimeError("out of memory")
        return content

    with pytest.raises(RuntimeError, match="out of memory"):
        write_json([evaluate(stylize, *files, network=network, size=SIZE)], path)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"scores.json": "old"}


@pytest.mark.parametrize("broken", ["replace", "write_bytes"])
def test_a_write_that_fails_leaves_the_old_scores(tmp_path, monkeypatch, broken):
    path = tmp_path / "scores.json"
    path.write_text("old")

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os if broken == "replace" else Path, broken, fail)
    with pytest.raises(OSError, match="no space left"):
        write_json([sample_evaluation()], path)
    monkeypatch.undo()
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"scores.json": "old"}


# Several candidates


def test_candidates_get_the_same_pairs_and_their_own_metrics(network, files):
    first, second = (Candidate("m", blend), Candidate("m", paste, strength=0.5))
    reports: list[tuple[int, int]] = []
    both = evaluation.evaluate(
        [first, second],
        *files,
        network=network,
        size=SIZE,
        pairs=[(0, 1), (2, 3)],
        on_result=lambda done, total: reports.append((done, total)),
    )
    assert [(each.model, each.strength) for each in both] == [("m", 1.0), ("m", 0.5)]
    for result, stylize in zip(both, (blend, paste), strict=True):
        alone = evaluate(stylize, *files, network=network, size=SIZE, pairs=[(0, 1), (2, 3)])
        assert result.pairs == alone.pairs
        assert result.content_unchanged == alone.content_unchanged
        assert result.style_pasted == alone.style_pasted
    assert reports == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_the_same_candidate_twice_or_none_is_refused(network, files):
    twice = [Candidate("m", keep), Candidate("m", paste)]
    with pytest.raises(ValueError, match="got twice 'm' at strength 1"):
        evaluation.evaluate(twice, *files, network=network, size=SIZE)
    with pytest.raises(ValueError, match="candidates must be at least one, got none"):
        evaluation.evaluate([], *files, network=network, size=SIZE)


def named(model: str, strength: float) -> Evaluation:
    return replace(sample_evaluation(), model=model, strength=strength)


def test_evaluations_are_named_by_what_differs():
    assert names_of([named("a", 0.5)]) == ["a"]
    assert names_of([named("a", 1.0), named("b", 1.0)]) == ["a", "b"]
    assert names_of([named("a", 0.0), named("a", 0.25)]) == ["strength 0", "strength 0.25"]
    assert names_of([named("a", 0.0), named("b", 1.0)]) == ["a, strength 0", "b, strength 1"]


def test_json_of_several_is_a_list_of_what_each_would_be_alone(tmp_path):
    both = [named("a", 1.0), named("b", 1.0)]
    write_json(both, tmp_path / "scores.json")
    result = json.loads((tmp_path / "scores.json").read_bytes())
    assert result == {"evaluations": [each.to_json() for each in both]}


# Further measures


def brightness_gap(result: Tensor, content: Tensor) -> float:
    return (result.mean() - content.mean()).item()


def test_a_further_measure_compares_result_and_content_and_is_in_every_metric(network, files):
    result = evaluate(
        blend, *files, network=network, size=SIZE, measures={"gap": brightness_gap}, pairs=[(0, 1)]
    )
    content, style = as_tensor(files[0][0]), as_tensor(files[1][1])
    gap = style.mean().item() - content.mean().item()
    assert result.pairs[0].metrics.extra["gap"] == pytest.approx(0.4 * gap, abs=1e-3)
    assert result.mean.to_json()["gap"] == result.pairs[0].metrics.extra["gap"]
    assert result.content_unchanged.extra["gap"] == 0
    assert result.style_pasted.extra["gap"] == pytest.approx(gap, abs=1e-6)
    assert result.to_json()["mean"]["gap"] == result.to_json()["pairs"][0]["gap"]


class MeanColor(nn.Module):
    """Three features; Inception's place in FID."""

    def forward(self, image: Tensor) -> Tensor:
        assert image.dtype == torch.uint8
        return image.float().mean(dim=(2, 3))


def test_fid_compares_all_results_with_their_styles_and_makes_art_fid_with_lpips(network, files):
    result = evaluate(
        keep,
        *files,
        network=network,
        size=SIZE,
        inception=MeanColor(),
        measures={"lpips": lambda result, content: 0.5},
    )
    contents, styles = (
        torch.cat([as_tensor(path) for path in paths]).mul(255).mean(dim=(2, 3)) for paths in files
    )
    pairs = [(i, j) for i in range(CONTENTS) for j in range(STYLES)]
    fid = frechet_distance(contents[[i for i, _ in pairs]], styles[[j for _, j in pairs]])
    assert fid > 10
    assert result.mean.extra["fid"] == pytest.approx(fid, rel=1e-4)
    assert result.mean.extra["art_fid"] == pytest.approx(1.5 * (1 + fid), rel=1e-4)
    assert result.mean.extra == result.content_unchanged.extra
    pasted = {"near": 0, "pattern": 0, "lpips": 0.5, "fid": 0, "art_fid": 1.5}
    assert result.style_pasted.extra == pytest.approx(pasted, abs=1e-5)
    assert "fid" not in result.pairs[0].metrics.extra


def test_fid_of_one_pair_is_refused(network, files):
    with pytest.raises(ValueError, match="pairs must be at least 2 for FID, got 1"):
        evaluate(keep, *files, network=network, size=SIZE, pairs=[(0, 0)], inception=MeanColor())


# Contact sheets


def cell_of(sheet: Image.Image, row: int, column: int) -> np.ndarray:
    x, y = (GAP + place * (SIZE + GAP) for place in (column, row))
    return np.asarray(sheet.crop((x, y, x + SIZE, y + SIZE)))


def test_the_sheet_of_every_second_pair_shows_a_full_grid(network, files):
    result = evaluate(
        paste,
        *files,
        network=network,
        size=SIZE,
        pairs=select_pairs(CONTENTS, STYLES, every=2),
        keep_images=True,
    )
    sheet = result.contact_sheet(contents=2, styles=2, cell=SIZE)
    assert sheet.size == (3 * (SIZE + GAP) + GAP,) * 2
    photos, paintings = ([np.asarray(Image.open(path)) for path in paths] for paths in files)
    for row, i in ((1, 0), (2, 2)):
        np.testing.assert_array_equal(cell_of(sheet, row, 0), photos[i])
        for column, j in ((1, 0), (2, 2)):
            np.testing.assert_array_equal(cell_of(sheet, 0, column), paintings[j])
            np.testing.assert_array_equal(cell_of(sheet, row, column), paintings[j])


def test_the_sheet_is_no_larger_than_what_was_scored_and_leaves_other_pairs_white(network, files):
    pairs = [(0, 1), (2, 3)]
    result = evaluate(paste, *files, network=network, size=SIZE, pairs=pairs, keep_images=True)
    sheet = result.contact_sheet(contents=9, styles=9, cell=SIZE)
    assert sheet.size == (3 * (SIZE + GAP) + GAP,) * 2
    assert (cell_of(sheet, 1, 2) == 255).all() and (cell_of(sheet, 2, 1) == 255).all()
    np.testing.assert_array_equal(cell_of(sheet, 2, 2), np.asarray(Image.open(files[1][3])))


def test_the_sheet_has_no_column_for_a_style_without_a_picture(network, files):
    pairs = select_pairs(CONTENTS, STYLES, every=2)
    result = evaluate(paste, *files, network=network, size=SIZE, pairs=pairs, keep_images=True)
    # Content 0 was scored in styles 0 and 2 alone: a third column would be empty.
    sheet = result.contact_sheet(contents=2, styles=3, cell=SIZE)
    assert sheet.width == 3 * (SIZE + GAP) + GAP
    assert (np.asarray(cell_of(sheet, 2, 2)) != 255).any()


def test_a_sheet_needs_kept_images_and_at_least_one_cell(network, files):
    with pytest.raises(ValueError, match="keep_images must be true"):
        sample_evaluation().contact_sheet(contents=1, styles=1)
    result = evaluate(keep, *files, network=network, size=SIZE, pairs=[(0, 0)], keep_images=True)
    for name in ("contents", "styles", "cell"):
        with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
            result.contact_sheet(**{"contents": 1, "styles": 1, name: 0})


# Errors


@pytest.mark.parametrize("size", [0, 32, 100, 513])
def test_a_wrong_size_is_refused(network, files, size):
    with pytest.raises(ValueError, match=f"size must be a multiple of 32 .* 64 px, got {size}"):
        evaluate(keep, *files, network=network, size=size)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([], "pairs must be at least one content and style, got none"),
        ([(0, 0), (3, 0)], r"among 3 contents and 4 styles, got \(3, 0\)"),
        ([(0, -1)], r"pairs must be places .* got \(0, -1\)"),
    ],
)
def test_wrong_pairs_are_refused(network, files, pairs, message):
    with pytest.raises(ValueError, match=message):
        evaluate(keep, *files, network=network, size=SIZE, pairs=pairs)


def test_every_must_be_positive():
    with pytest.raises(ValueError, match="every must be at least 1, got 0"):
        select_pairs(2, 2, every=0)


def test_empty_lists_are_refused_by_name(network, files):
    with pytest.raises(ValueError, match="contents must be at least one image, got none"):
        evaluate(keep, [], files[1], network=network, size=SIZE)
    with pytest.raises(ValueError, match="styles must be at least one image, got none"):
        evaluate(keep, files[0], [], network=network, size=SIZE)


def test_unreadable_files_are_named_before_anything_is_stylized(network, files, tmp_path):
    def stylize(content: Tensor, style: Tensor) -> Tensor:
        raise AssertionError("stylize was called")

    with pytest.raises(FileNotFoundError, match=r"contents\[1\].*absent\.png"):
        contents = [files[0][0], tmp_path / "absent.png"]
        evaluate(stylize, contents, files[1], network=network, size=SIZE)
    with pytest.raises(FileNotFoundError, match=r"styles\[0\].*absent\.png"):
        evaluate(stylize, files[0], [tmp_path / "absent.png"], network=network, size=SIZE)


def test_results_of_another_shape_or_not_finite_are_refused(network, files):
    with pytest.raises(ValueError, match=r"return 1x3x64x64, got 1x3x32x64 .*'photo0\.png'"):
        evaluate(lambda c, s: c[..., ::2, :], *files, network=network, size=SIZE)
    with pytest.raises(ValueError, match=r"must return finite .*'painting0\.png'"):
        evaluate(lambda c, s: c / 0 - c / 0, *files, network=network, size=SIZE)
