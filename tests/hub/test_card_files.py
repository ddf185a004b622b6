"""Cards that users wrote with whatever they have: encodings, line ends, YAML, folders and links."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from stylekernel_hf import CardDetails, StyleKernelModel, StyleKernelPipeline, StyleLibrary
from stylekernel_hf.cli.hub_source import read_details
from stylekernel_hf.cli.hub_space import sdk_of
from stylekernel_hf.pretrained.check import check_repository
from tests.hub.hub_server import HubServer
from tests.loaders import weights_equal
from tests.tiny import tiny_model

REPO = "painter/my-fine-tune"
WORDS = "# Mein Modell für Gemälde\n"
UNREADABLE = {
    "Latin-1": WORDS.encode("latin-1"),
    "UTF-16": WORDS.encode("utf-16"),
    "half a character": WORDS.encode()[:16],
    "broken YAML": b"---\nlicense: [mit\n---\n" + WORDS.encode(),
    "YAML with a tab": b"---\nlicense:\n\t- mit\n---\n" + WORDS.encode(),
    "YAML with NUL": b"---\nlicense: m\0it\n---\n" + WORDS.encode(),
    "list as metadata": b"---\n- mit\n---\n" + WORDS.encode(),
    "day that there is not": b"---\ndate: 2024-02-31\n---\n" + WORDS.encode(),
}
SAVES: dict[str, Callable[[Path], object]] = {
    "model": lambda folder: tiny_model().save_pretrained(folder),
    "repository": lambda folder: StyleKernelPipeline(tiny_model()).save_pretrained(
        folder, card=CardDetails(license="mit")
    ),
}


def front(card: bytes) -> dict[str, Any]:
    """Return the metadata between the first two lines of dashes."""
    return yaml.safe_load(card.decode().replace("\r\n", "\n").split("---\n")[1])


@pytest.mark.parametrize("save", SAVES)
@pytest.mark.parametrize("kind", UNREADABLE)
def test_card_that_cannot_be_read_stays_and_the_network_is_saved(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, save: str, kind: str
) -> None:
    (tmp_path / "README.md").write_bytes(UNREADABLE[kind])
    with caplog.at_level(logging.WARNING):
        SAVES[save](tmp_path)
    assert (tmp_path / "README.md").read_bytes() == UNREADABLE[kind]
    assert "the model card stays as it is" in caplog.text and "README.md" in caplog.text
    assert weights_equal(StyleKernelModel.from_pretrained(tmp_path), tiny_model())


@pytest.mark.parametrize("kind", ["folder", "dangling link"])
def test_card_that_is_no_file_stays_and_the_network_is_saved(tmp_path: Path, kind: str) -> None:
    card = tmp_path / "model" / "README.md"
    if kind == "folder":
        card.mkdir(parents=True)
        (card / "notes.txt").write_text("mine")
    else:
        card.parent.mkdir()
        card.symlink_to("nowhere.md")
    tiny_model().save_pretrained(card.parent)
    assert (card / "notes.txt").read_text() == "mine" if kind == "folder" else card.is_symlink()
    assert weights_equal(StyleKernelModel.from_pretrained(card.parent), tiny_model())


def test_linked_card_is_kept_and_its_words_are_taken(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text(WORDS, encoding="utf-8")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "README.md").symlink_to("../mine.md")
    tiny_model().save_pretrained(tmp_path / "model")
    assert (tmp_path / "mine.md").read_text(encoding="utf-8") == WORDS
    assert WORDS in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", UNREADABLE)
def test_card_on_the_hub_that_cannot_be_read_stays(hub: HubServer, kind: str) -> None:
    tiny_model().push_to_hub(REPO)
    hub.add(REPO, {**hub.files(REPO), "README.md": UNREADABLE[kind]})
    tiny_model(seed=1).push_to_hub(REPO)
    with torch.no_grad():
        style = tiny_model().encode_style(torch.rand(1, 3, 32, 32))
    assert weights_equal(StyleKernelModel.from_pretrained(REPO), tiny_model(seed=1))
    StyleLibrary({"one": style}).push_to_hub(REPO)
    assert hub.files(REPO)["README.md"] == UNREADABLE[kind]


@pytest.mark.parametrize("kind", UNREADABLE)
def test_unreadable_card_of_the_network_that_was_loaded_names_no_base_model(
    tmp_path: Path, kind: str
) -> None:
    tiny_model().save_pretrained(tmp_path / "loaded")
    (tmp_path / "loaded" / "README.md").write_bytes(UNREADABLE[kind])
    StyleKernelModel.from_pretrained(tmp_path / "loaded").save_pretrained(tmp_path / "saved")
    assert "base_model" not in front((tmp_path / "saved" / "README.md").read_bytes())


@pytest.mark.parametrize("kind", UNREADABLE)
def test_unreadable_files_of_a_source_are_named(tmp_path: Path, kind: str) -> None:
    (tmp_path / "README.md").write_bytes(UNREADABLE[kind])
    with pytest.raises(ValueError, match=r"README\.md"):
        sdk_of(tmp_path)
    StyleKernelPipeline(tiny_model()).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"README\.md"):
        check_repository(tmp_path, tiny_model())


@pytest.mark.parametrize("name", ["training_data.md", "evaluation.md", "details.json"])
def test_text_of_a_source_that_is_no_utf8_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(UNREADABLE["Latin-1"])
    with pytest.raises(ValueError, match=f"source: '.*{name}'"):
        read_details(tmp_path)


def test_byte_order_mark_hides_no_metadata(tmp_path: Path) -> None:
    text = f"---\nlicense: mit\nthumbnail: me.png\n---\n{WORDS}"
    (tmp_path / "README.md").write_bytes(text.encode("utf-8-sig"))
    tiny_model().save_pretrained(tmp_path)
    card = (tmp_path / "README.md").read_bytes()
    assert (front(card)["license"], front(card)["thumbnail"]) == ("mit", "me.png")
    assert WORDS in card.decode()


def test_line_ends_of_windows_stay(tmp_path: Path) -> None:
    text = f"---\nlicense: mit\n---\n\n{WORDS}\nmore\n".replace("\n", "\r\n")
    (tmp_path / "README.md").write_bytes(text.encode())
    tiny_model().save_pretrained(tmp_path)
    card = (tmp_path / "README.md").read_bytes()
    assert card.count(b"\n") == card.count(b"\r\n") and front(card)["license"] == "mit"
    assert card.endswith((WORDS + "\nmore\n").replace("\n", "\r\n").encode())


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ("# my own note\nlanguage: no\n", ["# my own note\n", "language: no\n"]),
        ("widget:\n- src: 'a.png'  # mine\n  x: 1\n", ["- src: 'a.png'  # mine\n  x: 1\n"]),
        ("intro: |\n  one\n\n  two\ndate: 2024-05-01\n", ["  one\n\n  two\ndate: 2024-05-01\n"]),
        ("license: mit # as ever\n", ["license: mit # as ever\n"]),
        ("1: one\non: x\n", ["1: one\non: x\n"]),
        ("model-index: nonsense\n", ["model-index: nonsense\n"]),
        ("base: &b {x: 1}\nextra: *b\n", ["base: &b {x: 1}\nextra: *b\n"]),
    ],
)
def test_own_lines_of_metadata_stay_as_they_are(
    tmp_path: Path, lines: str, kept: list[str]
) -> None:
    (tmp_path / "README.md").write_text(f"---\n{lines}---\n\n# Mine\n")
    for _ in range(2):
        tiny_model().save_pretrained(tmp_path)
        card = (tmp_path / "README.md").read_bytes()
        assert all(each in card.decode() for each in kept)
        expected = yaml.safe_load(lines)
        assert expected.items() <= front(card).items()
        assert front(card)["pipeline_tag"] == "image-to-image"


def test_metadata_in_an_unusual_form_keep_their_values(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text('---\n{"license": "mit", mine: [1, 2]}\n---\n\n# Mine\n')
    tiny_model().save_pretrained(tmp_path)
    actual = front((tmp_path / "README.md").read_bytes())
    assert (actual["license"], actual["mine"]) == ("mit", [1, 2])


@pytest.mark.parametrize(("tags", "expected"), [("art", ["art"]), ("", []), ("[a, {b: 1}]", None)])
def test_tags_in_any_form_are_added_to(
    tmp_path: Path, tags: str, expected: list[Any] | None
) -> None:
    (tmp_path / "README.md").write_text(f"---\ntags: {tags}\n---\n\n# Mine\n")
    tiny_model().save_pretrained(tmp_path)
    actual = front((tmp_path / "README.md").read_bytes())["tags"]
    tags_of_the_package = ["style-transfer", "style-kernel", "stylekernel_hf"]
    assert actual == [*tags_of_the_package, *(["a", {"b": 1}] if expected is None else expected)]
