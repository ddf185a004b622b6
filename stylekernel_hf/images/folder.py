"""Image files of a folder, and the other files in it."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

logger = logging.getLogger(__name__)

# Formats that Pillow knows but that hold no pixels, or that are not safe to open.
_NO_PICTURES = {"BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "PALM", "PDF", "WMF"}
_COMMON = (".jpg", ".png", ".webp", ".tif", ".avif", ".gif", ".bmp")
_RAW = (
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .k25 .kdc .mef .mos .mrw .nef .nrw "
    ".orf .pef .raf .raw .rw2 .rwl .sr2 .srf .srw .x3f"
)
_REASONS = {
    **dict.fromkeys(_RAW.split(), "a camera's raw file"),
    **dict.fromkeys((".heic", ".heif", ".hif"), "needs a Pillow plugin, such as pillow-heif"),
    ".jxl": "needs a Pillow plugin",
    **dict.fromkeys((".ai", ".eps", ".pdf", ".ps", ".svg", ".svgz", ".wmf", ".emf"), "no pixels"),
}
_NAMED = 5


@dataclass(frozen=True)
class FolderContents:
    """The image files of a folder, by name, and the other files that are not hidden."""

    folder: Path
    images: list[Path]
    left_out: list[Path]

    def describe_left_out(self) -> str:
        """Name the files that are left out, with reasons, in one line."""
        named = [_with_reason(file) for file in self.left_out[:_NAMED]]
        more = len(self.left_out) - len(named)
        listed = ", ".join([*named, f"and {more} more"] if more else named)
        count = len(self.left_out) + len(self.images)
        return f"{len(self.left_out)} of {count} files in '{self.folder}' are left out: {listed}"


def image_suffixes() -> frozenset[str]:
    """Return the suffixes, in lower case, of the formats that the installed Pillow opens.

    Registered plugins of Pillow, such as pillow-heif, add theirs.
    """
    Image.init()
    readable = {*Image.OPEN, "MPO"} - _NO_PICTURES  # MPO is opened as JPEG.
    known = Image.registered_extensions().items()
    return frozenset(suffix for suffix, image_format in known if image_format in readable)


def list_images(folder: str | os.PathLike[str], *, name: str = "folder") -> list[Path]:
    """Return the image files of a folder by name, without hidden ones; see `image_suffixes`.

    A warning is logged that names other files. Raises FileNotFoundError,
    NotADirectoryError, or ValueError for a folder without images.
    """
    contents = scan_folder(folder, name=name)
    if not contents.images:
        reason = f": {contents.describe_left_out()}" if contents.left_out else ""
        raise ValueError(
            f"{name} must hold images ({', '.join(_COMMON)}, ...), but '{contents.folder}' has "
            f"none among its {len(contents.left_out)} files{reason}"
        )
    if contents.left_out:
        logger.warning("%s: %s", name, contents.describe_left_out())
    return contents.images


def scan_folder(folder: str | os.PathLike[str], *, name: str = "folder") -> FolderContents:
    """Separate the images of a folder from its other files.

    Raises FileNotFoundError or NotADirectoryError.
    """
    root = Path(folder)
    if not root.exists():
        raise FileNotFoundError(f"{name}: no such folder: {str(root)!r}")
    if not root.is_dir():
        raise NotADirectoryError(f"{name} must be a folder, but {str(root)!r} is a file")
    suffixes = image_suffixes()
    files = [each for each in root.iterdir() if not each.name.startswith(".") and not each.is_dir()]
    files.sort(key=lambda file: file.name)
    images = [file for file in files if file.suffix.lower() in suffixes and file.is_file()]
    taken = set(images)
    return FolderContents(root, images, [file for file in files if file not in taken])


def _with_reason(file: Path) -> str:
    reason = _REASONS.get(file.suffix.lower(), "")
    if not file.is_file():
        reason = "not a file, or a dangling link"
    return f"{file.name} ({reason})" if reason else file.name
