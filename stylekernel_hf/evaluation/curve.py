"""A plot of content distance over style distance, for several strengths."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Literal

from stylekernel_hf.errors.messages import extra_required
from stylekernel_hf.evaluation.evaluation_result import Evaluation


def draw_curve(evaluations: Sequence[Evaluation], *, image_format: Literal["png", "svg"]) -> bytes:
    """Draw one line for each model, through its strengths, and the two trivial baselines.

    Both axes are distances: nearer the origin is better. Raises ImportError without matplotlib.
    """
    with extra_required("plot", "drawing the curve", "matplotlib"):
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    figure = Figure(figsize=(8, 5.5), layout="constrained")  # Without pyplot: no window, no state.
    axes: Any = figure.subplots()
    for model, points in _by_model(evaluations).items():
        style = [point.mean.style for point in points]
        content = [point.mean.content for point in points]
        axes.plot(style, content, "o-", label=model)
        for point, x, y in zip(points, style, content, strict=True):
            note = {"xytext": (5, 5), "textcoords": "offset points", "fontsize": "small"}
            axes.annotate(f"{point.strength:g}", (x, y), **note)
    for name, trivial, marker in (
        ("content unchanged", evaluations[0].content_unchanged, "s"),
        ("style pasted", evaluations[0].style_pasted, "D"),
    ):
        at_edge = {"clip_on": False, "zorder": 3}
        axes.plot([trivial.style], [trivial.content], marker, color="grey", label=name, **at_edge)
    first = evaluations[0]
    axes.set_xlabel("style distance from the painting (lower is better)")
    axes.set_ylabel("content distance from the photo (lower is better)")
    axes.set_title(f"means of {len(first.pairs)} pairs at {first.size} px; numbers: strength")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize="small")
    buffer = io.BytesIO()
    # Without a date and random names, equal evaluations give equal files.
    with rc_context({"svg.hashsalt": "stylekernel"}):
        metadata = {"Date": None} if image_format == "svg" else None
        figure.savefig(buffer, format=image_format, dpi=120, metadata=metadata)
    return buffer.getvalue()


def _by_model(evaluations: Sequence[Evaluation]) -> dict[str, list[Evaluation]]:
    """Return the evaluations of each model, sorted by strength."""
    models: defaultdict[str, list[Evaluation]] = defaultdict(list)
    for each in sorted(evaluations, key=lambda each: each.strength):
        models[each.model].append(each)
    return {model: models[model] for model in dict.fromkeys(each.model for each in evaluations)}
