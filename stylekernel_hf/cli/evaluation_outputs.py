"""The files that `evaluate` writes."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from stylekernel_hf.cli.output_files import check_folders

if TYPE_CHECKING:
    from stylekernel_hf.metrics.evaluation_result import Evaluation

_PLOT_FORMATS: dict[str, Literal["png", "svg"]] = {".png": "png", ".svg": "svg"}


@dataclass(frozen=True)
class Outputs:
    """What is to be written, each a file or nothing."""

    json_file: Path | None
    html: Path | None
    plot: Path | None
    sheet: Path | None
    sheet_contents: int
    sheet_styles: int

    @property
    def need_images(self) -> bool:
        """Whether the pictures have to be kept."""
        return self.sheet is not None or self.html is not None

    def check(self) -> None:
        """Refuse what could not be written after an hour of work."""
        check_folders(self.json_file, self.html, self.plot, self.sheet)
        if self.plot is not None and self.plot.suffix.lower() not in _PLOT_FORMATS:
            raise ValueError(f"plot must be a .png or .svg file, got '{self.plot}'")
        if self.plot is not None:
            _need_matplotlib()

    def write(self, found: list[Evaluation]) -> None:
        """Write every file, each whole or not at all."""
        from stylekernel_hf.metrics.curve import draw_curve
        from stylekernel_hf.metrics.evaluation_result import write_json
        from stylekernel_hf.metrics.report import render_report
        from stylekernel_hf.whole_file import write_whole

        if self.json_file is not None:
            write_json(found, self.json_file)
        if self.plot is not None:
            image_format = _PLOT_FORMATS[self.plot.suffix.lower()]
            write_whole(self.plot, draw_curve(found, image_format=image_format))
        if self.sheet is not None:
            self._write_sheet(found, self.sheet)
        if self.html is not None:
            command = shlex.join(["stylekernel", *sys.argv[1:]])
            report = render_report(found, command=command, versions=_versions())
            write_whole(self.html, report.encode())

    def _write_sheet(self, found: list[Evaluation], path: Path) -> None:
        """One candidate gets a grid of contents and styles, several get pairs side by side."""
        from stylekernel_hf.image_io import save_image
        from stylekernel_hf.metrics.comparison_sheet import comparison_sheet

        if len(found) > 1:
            picture = comparison_sheet(found, rows=self.sheet_contents)
        else:
            picture = found[0].contact_sheet(contents=self.sheet_contents, styles=self.sheet_styles)
        save_image(picture, path)


def _need_matplotlib() -> None:
    try:
        import matplotlib  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ModuleNotFoundError as error:
        raise ImportError(
            "plot needs the package matplotlib: pip install 'stylekernel-hf[plot]'"
        ) from error


def _versions() -> dict[str, str]:
    import platform
    from importlib.metadata import version

    from stylekernel_hf import __version__

    packages = {name: version(name) for name in ("torch", "torchmetrics", "pillow")}
    return {"stylekernel-hf": __version__, **packages, "python": platform.python_version()}
