"""The demo's theme: paper and ink with one vermilion accent, and its style sheet."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.themes.utils import colors, sizes

from demo.catalog import PAINTINGS
from demo.thumbnails import paintings_strip

_VERMILION = colors.Color(
    name="vermilion",
    c50="#fdf3ef",
    c100="#fae1d8",
    c200="#f4c0b0",
    c300="#eb9880",
    c400="#df6d50",
    c500="#c94a2c",
    c600="#b03c20",
    c700="#91301a",
    c800="#75291a",
    c900="#602519",
    c950="#34100a",
)
_PAPER = colors.Color(
    name="paper",
    c50="#fbf8f2",
    c100="#f4efe5",
    c200="#e7dfd0",
    c300="#d2c7b3",
    c400="#a89b86",
    c500="#7b7060",
    c600="#5e5548",
    c700="#463f36",
    c800="#2b2722",
    c900="#1d1a17",
    c950="#131110",
)

_FONTS = (
    *("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans", "Arial"),
    "sans-serif",
)
"""Those that visitors have: nothing is sent, and text is there with the page."""


class Atelier(gr.themes.Base):
    """Warm paper, dark ink, one accent; a serif for the headings."""

    def __init__(self) -> None:
        super().__init__(
            primary_hue=_VERMILION,
            secondary_hue=_VERMILION,
            neutral_hue=_PAPER,
            radius_size=sizes.radius_md,
            spacing_size=sizes.spacing_md,
            font=_FONTS,
            font_mono=("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"),
        )
        self.name = "atelier"
        super().set(
            body_background_fill="*neutral_100",
            body_background_fill_dark="*neutral_950",
            body_text_color="*neutral_900",
            body_text_color_subdued="*neutral_600",
            body_text_color_subdued_dark="*neutral_300",
            background_fill_primary="*neutral_50",
            background_fill_primary_dark="*neutral_900",
            background_fill_secondary="*neutral_100",
            block_background_fill="*neutral_50",
            block_background_fill_dark="*neutral_900",
            block_border_width="1px",
            block_border_color="*neutral_200",
            block_border_color_dark="*neutral_700",
            block_label_background_fill="transparent",
            block_label_background_fill_dark="transparent",
            block_label_border_width="0px",
            block_label_text_color="*neutral_700",
            block_label_text_color_dark="*neutral_200",
            block_label_text_weight="600",
            block_title_text_color="*neutral_800",
            block_title_text_color_dark="*neutral_100",
            block_title_text_weight="600",
            block_info_text_color="*neutral_600",
            block_info_text_color_dark="*neutral_300",
            block_shadow="none",
            button_primary_background_fill="*primary_500",
            button_primary_background_fill_hover="*primary_600",
            button_primary_background_fill_dark="*primary_500",
            button_primary_background_fill_hover_dark="*primary_400",
            button_primary_text_color="white",
            button_primary_text_color_dark="white",
            button_secondary_background_fill="transparent",
            button_secondary_background_fill_hover="*neutral_200",
            button_secondary_background_fill_dark="transparent",
            button_secondary_background_fill_hover_dark="*neutral_800",
            button_secondary_border_color="*neutral_400",
            button_secondary_border_color_dark="*neutral_600",
            button_border_width="1px",
            button_large_text_weight="600",
            slider_color="*primary_500",
            slider_color_dark="*primary_500",
            checkbox_background_color_selected="*primary_500",
            checkbox_background_color_selected_dark="*primary_500",
            input_background_fill="white",
            input_background_fill_dark="*neutral_800",
            input_border_color="*neutral_300",
            input_border_color_dark="*neutral_600",
            link_text_color="*primary_600",
            link_text_color_dark="*primary_300",
        )


def style_sheet() -> str:
    """Return the CSS, which shows the paintings as parts of one picture."""
    rules = [(Path(__file__).parent / "style.css").read_text(encoding="utf-8")]
    webp, avif = (f"url(.{address})" for address in paintings_strip())
    # Browsers that do not know image-set keep the line before it.
    pictures = (webp, f'image-set({avif} type("image/avif"), {webp} type("image/webp"))')
    count = len(PAINTINGS)
    shade = "linear-gradient(to top, rgb(19 17 16 / .82), rgb(19 17 16 / 0) 55%)"
    for index in range(count):
        place = f"{100 * index / (count - 1):.3f}%"
        tile, part = f"[data-painting='{index + 1}']", f"#ribbon i:nth-child({index + 1})"
        for picture in pictures:
            rules += [
                f"{tile} {{ background: {shade} 0 0 / 100% 100%, "
                f"{picture} {place} 0 / {count}00% 100%; }}",
                f"{part} {{ background: {picture} {place} 40% / {count}00% auto; }}",
            ]
    return "\n".join(rules)
