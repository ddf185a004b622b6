"""The frames of `evaluate-frames --camera-path`, for this program and others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from stylekernel_hf.files.output_paths import check_output_folder

if TYPE_CHECKING:
    from stylekernel_hf.metrics.camera_path import CameraPath


def camera_paths(photos: list[Path]) -> Iterator[CameraPath]:
    """Yield the path of the camera over each photo."""
    from stylekernel_hf.images.loading import load_image
    from stylekernel_hf.metrics.camera_path import CameraPath

    for number, photo in enumerate(photos):
        yield CameraPath(load_image(photo, name="frames"), number, name=f"'{photo}'")


def write_camera_frames(photos: list[Path], folder: Path, *, overwrite: bool) -> None:
    """Write the frames of every photo to a folder of the photo's name in `folder`.

    The files are called 00.png to 15.png. Raises ValueError for photos of one name, and OSError for
    a folder that exists, unless `overwrite` is true, or that cannot be written.
    """
    from stylekernel_hf.images.writing import save_image

    names = [photo.stem for photo in photos]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"frames must have different names, got '{name}' twice")
        check_output_folder(folder / name, name="write_frames")
        if not overwrite and (folder / name).exists():
            raise FileExistsError(
                f"write_frames must be new folders, but '{folder / name}' exists: use --overwrite "
                "to replace its frames"
            )
    for name, path in zip(names, camera_paths(photos), strict=True):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for place, load in enumerate(path.loaders()):
            save_image(load(), folder / name / f"{place:02d}.png")
