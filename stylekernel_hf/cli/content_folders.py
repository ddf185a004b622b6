"""Folders of contents: photos, and videos among them."""

from __future__ import annotations

import logging
from pathlib import Path

from stylekernel_hf.images.folder import FolderContents, list_images, scan_folder
from stylekernel_hf.video.formats import is_video_name

logger = logging.getLogger(__name__)


def list_contents(folder: Path) -> list[Path]:
    """Return the images and videos of a folder, by name, without hidden ones.

    A warning names the files that are left out; ValueError for a folder with neither.
    """
    found = scan_folder(folder, name="content")
    videos = [file for file in found.left_out if is_video_name(file) and file.is_file()]
    if not videos:
        return list_images(folder, name="content")
    taken = sorted([*found.images, *videos], key=lambda file: file.name)
    left_out = [file for file in found.left_out if file not in videos]
    if left_out:
        described = FolderContents(folder, taken, left_out).describe_left_out()
        logger.warning("content: %s", described)
    return taken
