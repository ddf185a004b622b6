"""Training on data sets that are read row by row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset, Features, Image, Value
from PIL import Image as PILImage

from stylekernel_hf.cli.finetune import finetune
from stylekernel_hf.hub.hub_errors import HTTP_ERROR
from stylekernel_hf.training import streams
from stylekernel_hf.training.crops import CropPairs, RandomCrops
from stylekernel_hf.training.run_card import run_card
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.streams import PictureStream, StreamedCrops
from stylekernel_hf.training.trainer import Trainer
from tests.tiny import save_picture, tiny_model
from tests.training.runs import assert_same_run, train

ROWS, HELD_OUT, DAMAGED = 14, 5, 7


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Row n is a grey of 10 n, but for one that is no picture; two files of parquet."""
    folder = tmp_path / "dataset"
    folder.mkdir()
    features = Features({"title": Value("string"), "picture": Image()})
    rows = []
    for number in range(ROWS):
        path = tmp_path / f"row{number}.png"
        PILImage.new("RGB", (48, 40), (10 * number,) * 3).save(path)
        data = path.read_bytes() if number != DAMAGED else b"no picture"
        rows.append({"title": str(number), "picture": {"bytes": data, "path": None}})
    for part, half in enumerate((rows[:6], rows[6:])):
        Dataset.from_list(half, features=features).to_parquet(
            folder / f"train-{part:05d}-of-00002.parquet"
        )
    return folder


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "WINDOW", 4)
    monkeypatch.setattr(streams, "CROPS_PER_PICTURE", 2)


def greys(crops: StreamedCrops, number: int) -> set[int]:
    """What many draws for one crop number can come from."""
    source = crops.at(number)
    return {int(source.draw(np.random.default_rng(seed))[0, 0, 0]) for seed in range(40)}


def test_crops_come_from_the_window_of_their_number(
    dataset: Path, small_windows: None, caplog: pytest.LogCaptureFixture
) -> None:
    stream = PictureStream(str(dataset), held_out=HELD_OUT)
    crops = StreamedCrops(stream, 32, max_zoom=1.0)
    # Rows 5 to 13 over and over, four at a time, eight crops from each four.
    expected = [{50, 60, 80}, {90, 100, 110, 120}, {130, 50, 60}, {80, 90, 100, 110}]
    for number in (0, 7, 8, 15, 16, 24, 31, 3, 9):
        assert greys(crops, number) == expected[number // 8], number
    assert greys(StreamedCrops(stream, 32, max_zoom=1.0), 17) == expected[2]
    assert any("row 7 of" in record.getMessage() for record in caplog.records)
    assert [picture.getpixel((0, 0))[0] for picture in stream.held_pictures()] == [
        0,
        10,
        20,
        30,
        40,
    ]


@pytest.mark.parametrize("workers", [0, 1])
def test_resumed_run_reads_on_where_it_was(
    settings: TrainingSettings, dataset: Path, small_windows: None, workers: int
) -> None:
    source = Path(f"hf:{dataset}")
    settings = replace(settings, contents=(source,), loader_workers=workers, steps=9)
    train(settings)
    broken = replace(settings, output=settings.output.with_name("broken"))

    def stop(step: int, _: dict[str, float]) -> None:
        if step == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Trainer(tiny_model(), broken).run(stop)
    train(broken, seed=1)
    assert_same_run(settings.output, broken.output)


def test_stream_beside_a_folder_pairs_both(
    settings: TrainingSettings, dataset: Path, tmp_path: Path
) -> None:
    contents = StreamedCrops(PictureStream(str(dataset), held_out=HELD_OUT), 32, max_zoom=1.0)
    styles = RandomCrops([save_picture(tmp_path / "a.png")], 32, max_zoom=1.5, cache_bytes=0)
    pairs = CropPairs(contents, styles, seed=0, color_augmentation=0.0)
    first = pairs[0]
    assert first.content.unique().numel() == 1 and first.style.unique().numel() > 1
    assert torch.equal(first.content, pairs[0].content)


def test_what_does_not_go_with_a_stream_is_refused(
    settings: TrainingSettings, dataset: Path, tmp_path: Path
) -> None:
    source = Path(f"hf:{dataset}")
    with pytest.raises(ValueError, match="distinct_crops must be 0"):
        train(replace(settings, contents=(source,), distinct_crops=5))
    with pytest.raises(ValueError, match="content must be folders or one data set"):
        train(replace(settings, contents=(source, settings.contents[0])))
    text = tmp_path / "text"
    text.mkdir()
    Dataset.from_dict({"title": ["a"]}).to_parquet(text / "train.parquet")
    with pytest.raises(ValueError, match="must have a column of images, got title"):
        train(replace(settings, contents=(Path(f"hf:{text}"),)))


def test_fine_tuning_needs_no_option_for_a_data_set(
    settings: TrainingSettings, dataset: Path, tmp_path: Path
) -> None:
    tiny_model().save_pretrained(tmp_path / "start")
    finetune(
        content=[Path(f"hf:{dataset}")],
        style=[*settings.styles],
        output=settings.output,
        init=str(tmp_path / "start"),
        perceptual=settings.perceptual,
        steps=1,
        batch_size=2,
        size=32,
        style_size=32,
        loader_workers=0,
    )
    assert (settings.output / "before_after.jpg").exists()


def test_card_names_the_data_set(settings: TrainingSettings, dataset: Path) -> None:
    settings = replace(settings, contents=(Path("hf:owner/photos"),))
    card = run_card(settings, init=None, preset="small", command=["--content", f"hf:{dataset}"])
    assert card.datasets == ["owner/photos"]
    text = card.training_data or ""
    assert "the data set `owner/photos`" in text
    assert "--content hf:dataset" in text and str(dataset.parent) not in text


def test_broken_connection_names_the_data_set(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise HTTP_ERROR("Connection reset by peer")

    stream = PictureStream(str(dataset), held_out=0)
    monkeypatch.setattr(type(stream.rows), "__iter__", broken)
    with pytest.raises(ConnectionError, match=f"the data set '{dataset}' was read: .*reset"):
        next(iter(stream))
    monkeypatch.setattr("datasets.load_dataset", broken)
    with pytest.raises(OSError, match="the data set 'a/b' cannot be opened .*reset"):
        PictureStream("a/b", held_out=0)
