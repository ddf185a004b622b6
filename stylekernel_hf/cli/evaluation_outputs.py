"""The files that `evaluate` writes."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from stylekernel_hf.cli.output_files import check_outputs, check_plot, write_each

if TYPE_CHECKING:
    from stylekernel_hf.evaluation.evaluation_result import Evaluation

_PLOT_FORMATS: dict[str, Literal["png", "svg"]] = {".png": "png", ".svg": "svg"}


@dataclass(frozen=True)
class Outputs:
    """The files to write; None for a file that is not wanted."""

    json_file: Path | None
    html: Path | None
    plot: Path | None
    sheet: Path | None
    sheet_contents: int
    sheet_styles: int
    overwrite: bool

    @property
    def need_images(self) -> bool:
        """Whether the evaluations must hold pictures."""
        return self.sheet is not None or self.html is not None

    @property
    def _files(self) -> dict[str, Path | None]:
        return {
            "json": self.json_file,
            "plot": self.plot,
            "sheet": self.sheet,
            "html": self.html,
        }

    def check(
        self,
        contents: Sequence[Path],
        styles: Sequence[Path],
        others: Iterable[Path],
        *,
        count: int,
    ) -> None:
        """Raise OSError or ValueError, before the work, for files that cannot be written.

        `count` candidates are scored on these pictures; the `others` are read as well.
        """
        read = [*contents, *styles, *others]
        check_outputs(self._files, overwrite=self.overwrite, read=read)
        check_plot(self.plot, tuple(_PLOT_FORMATS))
        for name, most in (("contents", self.sheet_contents), ("styles", self.sheet_styles)):
            if most < 1:
                raise ValueError(f"sheet_{name} must be at least 1, got {most}")
        if self.sheet is not None:
            pairs = len(contents) * len(styles)
            rows = min(self.sheet_contents, pairs if count > 1 else len(contents))
            columns = 1 + count if count > 1 else min(self.sheet_styles, len(styles))
            _check_sheet(self.sheet, rows + 1, columns + 1)

    def write(self, evaluations: list[Evaluation]) -> None:
        """Write every file, each whole or not at all."""
        from stylekernel_hf.evaluation.curve import draw_curve
        from stylekernel_hf.evaluation.evaluation_result import write_json
        from stylekernel_hf.evaluation.report import render_report
        from stylekernel_hf.files.atomic_write import atomic_write

        def plot(path: Path) -> None:
            image_format = _PLOT_FORMATS[path.suffix.lower()]
            atomic_write(path, draw_curve(evaluations, image_format=image_format))

        def html(path: Path) -> None:
            command = shlex.join(["stylekernel", *sys.argv[1:]])
            report = render_report(evaluations, command=command, versions=_versions())
            atomic_write(path, report.encode())

        writers: dict[str, Callable[[Path], None]] = {
            "json": partial(write_json, evaluations),
            "plot": plot,
            "sheet": partial(self._write_sheet, evaluations),
            "html": html,
        }
        write_each(self._files, writers)

    def _write_sheet(self, evaluations: list[Evaluation], path: Path) -> None:
        """Draw contents x styles for one candidate, or pairs x candidates for several."""
        from stylekernel_hf.evaluation.comparison_sheet import comparison_sheet
        from stylekernel_hf.images.writing import save_image

        if len(evaluations) > 1:
            picture = comparison_sheet(evaluations, rows=self.sheet_contents)
        else:
            picture = evaluations[0].contact_sheet(
                contents=self.sheet_contents, styles=self.sheet_styles
            )
        save_image(picture, path)


def _check_sheet(sheet: Path, rows: int, columns: int) -> None:
    from stylekernel_hf.evaluation.evaluation import KEPT_SIDE
    from stylekernel_hf.images.contact_sheet import sheet_size
    from stylekernel_hf.images.formats import check_image_size, format_to_write

    format_to_write(sheet, name="sheet")
    check_image_size(sheet, sheet_size(rows=rows, columns=columns, cell=KEPT_SIDE), name="sheet")


def _versions() -> dict[str, str]:
    import platform
    from importlib.metadata import version

    from stylekernel_hf import __version__

    packages = {name: version(name) for name in ("torch", "torchmetrics", "pillow")}
    return {"stylekernel-hf": __version__, **packages, "python": platform.python_version()}
