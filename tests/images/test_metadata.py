"""Metadata of a photo that stay true are in the file of its result."""

from __future__ import annotations

import io
import logging
import struct
import subprocess
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, IptcImagePlugin

from stylekernel_hf import PictureMetadata, read_metadata, save_image
from stylekernel_hf.cli.bulk import run_jobs
from stylekernel_hf.cli.jobs import Job
from stylekernel_hf.images.metadata.exif import MAX_BYTES
from stylekernel_hf.large.file_stylization import stylize_file
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from tests.images import metadata_files as files
from tests.tiny import save_picture, tiny_model

SUFFIXES = [".jpg", ".png", ".webp", ".tif", ".avif"]
STRIP_SUFFIXES = [".jpg", ".png", ".webp", ".tif"]
Base, Gps = ExifTags.Base, ExifTags.IFD.GPSInfo


@pytest.fixture(scope="module")
def pipe() -> StyleKernelPipeline:
    return StyleKernelPipeline(tiny_model())


@pytest.fixture(scope="module")
def style(pipe: StyleKernelPipeline) -> Any:
    return pipe.encode_style(Image.effect_mandelbrot((64, 64), (-2, -2, 2, 2), 50).convert("RGB"))


def make_photo(folder: Path, suffix: str = ".jpg", **options: Any) -> Path:
    """A photo, 100 px wide and 60 px high as stored, and 60 x 100 as meant to be seen."""
    picture = Image.open(save_picture(folder / "plain.png", (100, 60), seed=1))
    block = options.pop("exif", None) or files.exif_block()
    files.SAVERS[suffix](picture, folder / f"photo{suffix}", block, **options)
    (folder / "plain.png").unlink()
    return folder / f"photo{suffix}"


def read(path: Path) -> Image.Image:
    image = Image.open(path)
    image.load()
    return image


def xmp_of(path: Path) -> str:
    data = read(path).info.get("xmp", b"")
    return data if isinstance(data, str) else data.decode()


def check_result(path: Path, *, location: bool = True, caption: str = files.CAPTION) -> None:
    """Look with Pillow at what is there, and what must not be."""
    image = read(path)
    assert image.size == (60, 100)
    exif = image.getexif()
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    text = exif[Base.ImageDescription]
    text = text if path.suffix == ".avif" and "?" in text else text.encode("latin-1").decode()
    assert (exif[Base.Make], exif[Base.Model], text) == ("Leica", "EOS", caption)
    assert exif.get(Base.Orientation, 1) == 1
    assert inner[Base.DateTimeOriginal] == files.TAKEN[:-1].decode()
    assert inner[Base.ExposureTime] == pytest.approx(1 / 125)
    assert inner[Base.ExposureBiasValue] == pytest.approx(-1 / 3)
    assert inner[Base.LensModel] == "Lens 1"
    assert (inner[Base.ExifImageWidth], inner[Base.ExifImageHeight]) == (60, 100)
    assert inner[Base.ColorSpace] == 1
    assert exif.get_ifd(ExifTags.IFD.IFD1) == {}
    assert not exif.get_ifd(ExifTags.IFD.IFD1)
    packet = xmp_of(path)
    assert files.CAPTION in packet and "2023-05-06T07:08:09" in packet
    assert "Thumbnails" not in packet and "crs:" not in packet.replace("xmlns:crs", "")
    assert "4000" not in packet and "3000" not in packet
    assert 'tiff:Orientation="1"' in packet and 'exif:PixelXDimension="60"' in packet
    if location:
        assert exif.get_ifd(Gps)[ExifTags.GPS.GPSLatitude] == (52, 30, 0)
        assert 'exif:GPSLatitude="52,30N"' in packet and "13,24E" in packet
        assert inner[Base.MakerNote] == files.MAKER_NOTE
    else:
        assert exif.get_ifd(Gps) == {} and Base.MakerNote not in inner
        data = path.read_bytes()
        for word in (b"52,30N", b"13,24E", b"Berlin", b"52.5", files.MAKER_NOTE, b"GPS"):
            assert word not in data


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("source", [".jpg", ".png", ".late.png", ".webp"])
def test_result_in_memory_keeps_the_metadata(
    pipe: StyleKernelPipeline, style: Any, tmp_path: Path, source: str, suffix: str
) -> None:
    result = pipe(make_photo(tmp_path, source), style).images[0]
    save_image(result, tmp_path / f"out{suffix}")
    check_result(tmp_path / f"out{suffix}")


@pytest.mark.parametrize("suffix", STRIP_SUFFIXES)
@pytest.mark.parametrize("source", [".jpg", ".png", ".late.png", ".webp"])
def test_result_in_strips_keeps_the_metadata(
    pipe: StyleKernelPipeline, style: Any, tmp_path: Path, source: str, suffix: str
) -> None:
    pytest.importorskip("pyvips", reason="needs libvips")
    stylize_file(pipe, make_photo(tmp_path, source), style, tmp_path / f"out{suffix}")
    check_result(tmp_path / f"out{suffix}")


@pytest.mark.parametrize("source", [".tif", ".avif"])
def test_files_of_pillows_tags_are_read_too(
    pipe: StyleKernelPipeline, style: Any, tmp_path: Path, source: str
) -> None:
    photo = make_photo(tmp_path, source)
    expected = read(photo).getexif()[Base.ImageDescription]
    save_image(pipe(photo, style).images[0], tmp_path / "out.png")
    exif = read(tmp_path / "out.png").getexif()
    assert exif[Base.ImageDescription] == expected and exif[Base.Model] == "EOS"
    assert exif.get(Base.Orientation, 1) == 1
    assert exif.get_ifd(ExifTags.IFD.Exif)[Base.DateTimeOriginal] == files.TAKEN[:-1].decode()
    assert exif.get_ifd(Gps)[ExifTags.GPS.GPSLatitude] == (52, 30, 0)
    assert files.CAPTION in xmp_of(tmp_path / "out.png")


@pytest.mark.parametrize("form", ["path", "bytes", "pil"])
def test_every_kind_of_content_keeps_its_metadata(
    pipe: StyleKernelPipeline, style: Any, tmp_path: Path, form: str
) -> None:
    photo = make_photo(tmp_path)
    content = {"path": photo, "bytes": photo.read_bytes(), "pil": read(photo)}[form]
    for number, result in enumerate(pipe([content, content], style).images):
        save_image(result, tmp_path / f"{number}.jpg")
        check_result(tmp_path / f"{number}.jpg")


def test_result_stylized_again_is_not_turned_again(
    pipe: StyleKernelPipeline, style: Any, tmp_path: Path
) -> None:
    once = pipe(make_photo(tmp_path), style).images[0]
    twice = pipe(once, style).images[0]
    assert once.size == twice.size == (60, 100)
    save_image(twice, tmp_path / "out.png")
    check_result(tmp_path / "out.png")


def test_results_of_arrays_have_no_metadata(pipe: StyleKernelPipeline, style: Any) -> None:
    arrays = np.zeros((2, 32, 32, 3), np.uint8)
    assert [image.info for image in pipe(arrays, style).images] == [{}, {}]


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
@pytest.mark.parametrize("in_strips", [False, True])
def test_iptc_data_stay_what_they_are_where_there_is_room(
    pipe: StyleKernelPipeline, style: Any, tmp_path: Path, suffix: str, in_strips: bool
) -> None:
    photo, output = make_photo(tmp_path), tmp_path / f"out{suffix}"
    if in_strips:
        pytest.importorskip("pyvips", reason="needs libvips")
        stylize_file(pipe, photo, style, output)
    else:
        save_image(pipe(photo, style).images[0], output)
    fields: Any = IptcImagePlugin.getiptcinfo(read(output))
    assert fields[(2, 120)] == files.CAPTION.encode() and fields[(2, 90)] == b"Berlin"


@pytest.mark.parametrize("suffix", [".png", ".webp", ".avif"])
def test_iptc_data_become_xmp_elsewhere(tmp_path: Path, suffix: str) -> None:
    image = Image.new("RGB", (32, 32))
    save_image(image, tmp_path / f"x{suffix}", metadata=PictureMetadata(iptc=files.iptc_data()))
    packet = xmp_of(tmp_path / f"x{suffix}")
    assert f'<rdf:li xml:lang="x-default">{files.CAPTION}</rdf:li>' in packet
    assert "<photoshop:City" in packet and ">Berlin</photoshop:City>" in packet


def test_xmp_property_takes_precedence_over_iptc() -> None:
    kept = PictureMetadata(xmp=files.XMP, iptc=files.iptc_data("another text")).for_result((9, 9))
    stream = io.BytesIO()
    Image.new("RGB", (9, 9)).save(stream, "PNG")
    kept.add_to(stream, "PNG")
    packet = Image.open(stream).info["xmp"].decode()
    assert files.CAPTION in packet and "another text" not in packet and ">Title<" in packet


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_location_is_left_out_where_it_is_asked_for(tmp_path: Path, suffix: str) -> None:
    metadata = read_metadata(make_photo(tmp_path)).for_result((60, 100), location=False)
    save_image(Image.new("RGB", (60, 100)), tmp_path / f"out{suffix}", metadata=metadata)
    check_result(tmp_path / f"out{suffix}", location=False)


@pytest.mark.parametrize(
    "where",
    [
        '<rdf:Description xmlns:geo="http://www.w3.org/2003/01/geo/wgs84_pos#" geo:lat="52.5"/>',
        '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li '
        'xmlns:geo="http://www.w3.org/2003/01/geo/wgs84_pos#"><geo:lat>52.5</geo:lat></rdf:li>'
        "</rdf:Bag></dc:subject></rdf:Description>",
        '<rdf:Description xmlns:e="http://ns.adobe.com/exif/1.0/" e:GPSDestLatitude="52.5"/>',
        '<rdf:Description xmlns:e="http://ns.adobe.com/exif/1.0/"><e:GPSLatitude rdf:parseType='
        '"Resource"><rdf:value>52.5</rdf:value></e:GPSLatitude></rdf:Description>',
        '<rdf:Description xmlns:p="http://ns.adobe.com/photoshop/1.0/" p:City="52.5"/>',
        '<place xmlns="urn:place">52.5</place>',
        "<!-- 52.5 --><?gps 52.5?>",
    ],
)
def test_location_is_found_however_xmp_writes_it(where: str) -> None:
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:l="urn:place" l:at="52.5"><rdf:RDF xmlns:rdf='
        f'"http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description/>{where}</rdf:RDF>'
        "</x:xmpmeta>"
    )
    kept = PictureMetadata(xmp=packet.encode()).for_result((9, 9), location=False)
    assert kept.xmp and b"52.5" not in kept.xmp
    assert b"52.5" in PictureMetadata(xmp=packet.encode()).for_result((9, 9)).xmp


def test_metadata_false_writes_none(pipe: StyleKernelPipeline, style: Any, tmp_path: Path) -> None:
    pytest.importorskip("pyvips", reason="needs libvips")
    photo = make_photo(tmp_path)
    save_image(pipe(photo, style).images[0], tmp_path / "memory.jpg", metadata=False)
    stylize_file(pipe, photo, style, tmp_path / "strips.jpg", metadata=False)
    jobs = [Job(photo, (save_picture(tmp_path / "s.png"),), tmp_path / "bulk.jpg")]
    assert [outcome.status for outcome in run_jobs(pipe, jobs, metadata=False)] == ["written"]
    for name in ("memory.jpg", "strips.jpg", "bulk.jpg"):
        data = (tmp_path / name).read_bytes()
        assert not [word for word in (b"Leica", b"Exif", b"xpacket", b"8BIM") if word in data]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_command_line_keeps_the_metadata(
    pipe: StyleKernelPipeline, tmp_path: Path, suffix: str
) -> None:
    jobs = [Job(make_photo(tmp_path), (save_picture(tmp_path / "s.png"),), tmp_path / f"o{suffix}")]
    assert [outcome.status for outcome in run_jobs(pipe, jobs)] == ["written"]
    check_result(jobs[0].output)


def broken(block: bytes) -> list[bytes]:
    return [
        block[:9],
        block[: len(block) // 3],
        b"II" + block[2:],
        b"garbage",
        block.replace(struct.pack(">HHI", 0x8769, 4, 1), struct.pack(">HHI", 0x8769, 2, 1)),
        b"MM\0*" + struct.pack(">IH", 8, 65535) + bytes(50),
        # A directory that is its own EXIF directory, and many fields of the same megabytes.
        b"MM\0*" + struct.pack(">IHHHII", 8, 1, 0x8769, 4, 1, 8) + bytes(4),
        b"MM\0*"
        + struct.pack(">IHHHIII", 8, 1, 0x8769, 4, 1, 26, 0)
        + struct.pack(">H", 900)
        + b"".join(struct.pack(">HHII", tag, 7, 2**19, 0) for tag in range(900))
        + bytes(2**19),
    ]


@pytest.mark.parametrize("number", range(8))
def test_damaged_exif_data_are_left_out(
    pipe: StyleKernelPipeline,
    style: Any,
    tmp_path: Path,
    number: int,
) -> None:
    damaged = broken(files.exif_block())[number]
    kept = PictureMetadata(exif=damaged, xmp=files.XMP).for_result((9, 9))
    assert len(kept.exif) <= MAX_BYTES and kept.xmp
    save_image(Image.new("RGB", (9, 9)), tmp_path / "x.jpg", metadata=kept)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert read(tmp_path / "x.jpg").size == (9, 9)


@pytest.mark.parametrize(
    "xmp",
    [
        b"<x",
        b"\xff\xfe<\0x\0",
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>',
        "<!DOCTYPE x>".encode("utf-16"),
        b"<x/>",
        b"<a>" * 30_000 + b"</a>" * 30_000,
        files.XMP + bytes(2**21),
        files.XMP.replace(b"Leica", b"C" * 70_000),
    ],
)
def test_damaged_or_huge_xmp_is_left_out_with_a_warning(
    xmp: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="stylekernel_hf"):
        kept = PictureMetadata(exif=files.exif_block(), xmp=xmp).for_result((9, 9))
    assert kept.xmp == b"" and kept.exif
    assert "the XMP data of the image are left out" in caplog.text


@pytest.mark.parametrize(
    "iptc", [b"\x1c\x02", b"\x1c\x02\x78\0\x09abc", b"abc", b"\x1c\x02\x78\x80\x04"]
)
def test_damaged_iptc_data_are_left_out(iptc: bytes, caplog: pytest.LogCaptureFixture) -> None:
    assert PictureMetadata(iptc=iptc).for_result((9, 9)).iptc == b""
    assert "the IPTC data of the image are left out" in caplog.text


def test_makers_note_is_dropped_first_for_lack_of_room(tmp_path: Path) -> None:
    block = files.exif_block(note=bytes(66_000))
    kept = PictureMetadata(exif=block).for_result((60, 100))
    save_image(Image.new("RGB", (60, 100)), tmp_path / "x.jpg", metadata=kept)
    exif = read(tmp_path / "x.jpg").getexif()
    assert exif[Base.Model] == "EOS"
    assert Base.MakerNote not in exif.get_ifd(ExifTags.IFD.Exif)


@pytest.mark.parametrize("suffix", STRIP_SUFFIXES)
def test_pixels_are_the_same_with_metadata_as_without(
    pipe: StyleKernelPipeline, style: Any, tmp_path: Path, suffix: str
) -> None:
    pytest.importorskip("pyvips", reason="needs libvips")
    photo = make_photo(tmp_path)
    for kept in (False, True):
        stylize_file(pipe, photo, style, tmp_path / f"s{kept}{suffix}", metadata=kept)
        save_image(pipe(photo, style).images[0], tmp_path / f"m{kept}{suffix}", metadata=kept)
    for way in "sm":
        pictures = [read(tmp_path / f"{way}{kept}{suffix}") for kept in (False, True)]
        assert pictures[0].tobytes() == pictures[1].tobytes()
        assert pictures[0].info["icc_profile"] == pictures[1].info["icc_profile"]


@pytest.mark.parametrize(
    "source", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"RIFF", 5]
)
def test_source_without_metadata_gives_none(source: object) -> None:
    assert read_metadata(source) == PictureMetadata()


def test_pipe_is_not_opened(tmp_path: Path) -> None:
    subprocess.run(["mkfifo", str(tmp_path / "pipe")], check=True)
    assert read_metadata(tmp_path / "pipe") == PictureMetadata()


def test_tiff_of_strips_is_read_again(tmp_path: Path) -> None:
    """BigTIFF, whose directories have another form."""
    stream = io.BytesIO()
    Image.new("RGB", (9, 9)).save(stream, "TIFF", big_tiff=True)
    kept = PictureMetadata(files.exif_block(), files.XMP, files.iptc_data()).for_result((9, 9))
    kept.add_to(stream, "TIFF")
    again = read_metadata(stream.getvalue()).for_result((9, 9))
    assert again.xmp == kept.xmp and again.iptc == kept.iptc
    exif = Image.Exif()
    exif.load(again.exif)
    assert exif.get_ifd(Gps)[ExifTags.GPS.GPSLatitude] == (52, 30, 0)
    assert exif.get_ifd(ExifTags.IFD.Exif)[Base.ExposureTime] == pytest.approx(1 / 125)
