"""A report of evaluations: one HTML file that holds its pictures and opens offline."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec

from PIL import Image

from stylekernel_hf.evaluation.curve import draw_curve
from stylekernel_hf.evaluation.evaluation_result import Evaluation, KeptImages, names_of
from stylekernel_hf.metrics.pair_metrics import Metrics
from stylekernel_hf.metrics.tables import heading

_CELL = 128
_SHEET_SIDE = 6
_WORST = 8
_THUMBNAIL = 192
_EXPLANATIONS = {
    "content": "distance of the normalised relu4_1 and relu5_1 from the photo; lower is better",
    "style": "distance of channel means and deviations from the painting; lower is better",
    "ssim": "structural similarity of luminance to the photo; higher is better",
    "near": "relaxed earth mover's distance of local features from the painting's; lower is better",
    "pattern": "sliced Wasserstein distance of small neighbourhoods from the painting's; lower is "
    "better",
    "alignment": "share of the stylization that is lost if the aligned feature is averaged over "
    "the picture",
    "cfsd": "divergence of self-similarities at relu3_1 from the photo's; lower is better",
    "lpips": "LPIPS on AlexNet from the photo; lower is better",
    "fid": "Fréchet distance of Inception features of all results from the paintings; lower is "
    "better",
    "art_fid": "(1 + mean LPIPS) (1 + FID), with the standard Inception; lower is better",
}


@dataclass(frozen=True)
class PairRow:
    """The metrics of a candidate on one pair, and their badness."""

    candidate: str
    content_name: str
    style_name: str
    metrics: dict[str, float]
    badness: float


def render_report(
    evaluations: Sequence[Evaluation], *, command: str, versions: Mapping[str, str]
) -> str:
    """Return an HTML page with metrics, curve, contact sheets, the worst pairs and all pairs.

    The evaluations must hold their images and be of the same pairs. The curve is drawn for several
    evaluations if matplotlib is installed. Every name is escaped.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["heading"] = heading
    template = files("stylekernel_hf.evaluation").joinpath("report.html.jinja")
    first, names = evaluations[0], names_of(evaluations)
    rows = sorted(_pair_rows(evaluations), key=lambda row: -row.badness)
    curve = None
    if len(evaluations) > 1 and find_spec("matplotlib"):
        svg = draw_curve(evaluations, image_format="svg")
        curve = _data_uri(svg, "image/svg+xml")
    return environment.from_string(template.read_text(encoding="utf-8")).render(
        pair_count=len(first.pairs),
        size=first.size,
        metric_names=list(first.mean.to_json()),
        pair_metric_names=list(first.pairs[0].metrics.to_json()),
        explanations=_EXPLANATIONS,
        summary=_summary(evaluations),
        several=len(evaluations) > 1,
        names=names,
        curve=curve,
        worst=list(_worst(evaluations)),
        sheets=[(name, _sheet(each)) for name, each in zip(names, evaluations, strict=True)],
        rows=rows,
        command=command,
        versions=versions,
    )


def badness(metrics: Metrics, evaluation: Evaluation) -> float:
    """Return content / content of the pasted style + style / style of the unchanged content."""
    content, style = evaluation.style_pasted.content, evaluation.content_unchanged.style
    return metrics.content / max(content, 1e-9) + metrics.style / max(style, 1e-9)


def _summary(evaluations: Sequence[Evaluation]) -> dict[str, dict[str, float]]:
    rows = zip(names_of(evaluations), (each.mean.to_json() for each in evaluations), strict=True)
    return {
        **dict(rows),
        "content unchanged": evaluations[0].content_unchanged.to_json(),
        "style pasted": evaluations[0].style_pasted.to_json(),
    }


def _pair_rows(evaluations: Sequence[Evaluation]) -> Iterator[PairRow]:
    for name, each in zip(names_of(evaluations), evaluations, strict=True):
        for pair in each.pairs:
            yield PairRow(
                name,
                pair.content_name,
                pair.style_name,
                pair.metrics.to_json(),
                badness(pair.metrics, each),
            )


def _worst(evaluations: Sequence[Evaluation]) -> Iterator[list[tuple[str, str, Metrics | None]]]:
    """Yield the pairs that are worst on average, as pictures with captions and metrics."""
    kept = [_images(each) for each in evaluations]
    places = sorted(kept[0].stylized)
    totals = [
        sum(badness(each.pairs[place].metrics, each) for each in evaluations)
        for place in range(len(places))
    ]
    for place in sorted(range(len(places)), key=lambda place: -totals[place])[:_WORST]:
        i, j = places[place]
        pair = evaluations[0].pairs[place]
        line: list[tuple[str, str, Metrics | None]] = [
            (pair.content_name, _thumbnail(kept[0].contents[i]), None),
            (pair.style_name, _thumbnail(kept[0].styles[j]), None),
        ]
        for name, each, images in zip(names_of(evaluations), evaluations, kept, strict=True):
            picture = _thumbnail(images.stylized[i, j])
            line.append((name, picture, each.pairs[place].metrics))
        yield line


def _sheet(evaluation: Evaluation) -> str:
    sheet = evaluation.contact_sheet(contents=_SHEET_SIDE, styles=_SHEET_SIDE, cell=_CELL)
    return _jpeg(sheet)


def _images(evaluation: Evaluation) -> KeptImages:
    if evaluation.images is None:
        raise ValueError("keep_images must be true in evaluate() for a report")
    return evaluation.images


def _thumbnail(image: Image.Image) -> str:
    small = image.convert("RGB")
    small.thumbnail((_THUMBNAIL, _THUMBNAIL), Image.Resampling.LANCZOS)
    return _jpeg(small)


def _jpeg(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return _data_uri(buffer.getvalue(), "image/jpeg")


def _data_uri(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
