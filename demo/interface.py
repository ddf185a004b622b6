"""The page as a whole, and how it is served."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import MatplotlibBackendMananger
from starlette.middleware import Middleware

from demo.ahead import FIRST_KINDS
from demo.catalog import PAINTINGS, SHOWN
from demo.delivery import Delivery, social_tags
from demo.fetching_queue import FetchingQueue
from demo.forms import Uploads, bound_forms
from demo.gate import Gate
from demo.gpu import LENDS_GPU
from demo.layers import Layers
from demo.public_names import PublicNames
from demo.streams import CameraPictures
from demo.studio import Studio
from demo.tabs.all_paintings import all_paintings_tab
from demo.tabs.folder import folder_tab
from demo.tabs.gallery import gallery_tab
from demo.tabs.inside import inside_tab
from demo.tabs.restoring import restoring
from demo.tabs.stylize import FIRST_PHOTO, stylize_tab
from demo.theme import Atelier, style_sheet
from demo.thumbnails import card, light_photo, paintings_strip
from demo.upkeep import Page, upkeep

_HAS_PYAV = importlib.util.find_spec("av") is not None
_HAS_MCP = importlib.util.find_spec("mcp") is not None
TITLE = "stylekernel: any photo in the style of any painting"
DESCRIPTION = "Your photo in the strokes of Monet, Gauguin or Seurat, in a second."
_MASTHEAD = """
<header id="masthead">
  <h1>style<em>kernel</em></h1>
  <p>Any photo in the style of any painting<span>, in one pass of a small network</span>.</p>
  <div id="ribbon" aria-hidden="true">{strips}</div>
</header>
"""
_NOTE = """
<footer id="note">
  What you upload is used for your pictures alone and deleted within {minutes} minutes.
  Photos of up to {megabytes} MB; those of more than {megapixels} megapixels are scaled down.
  The network follows <a href="https://arxiv.org/abs/2304.00414">Learning Dynamic Style Kernels for
  Artistic Style Transfer</a> (Xu, Long and Nie, CVPR 2023).
  The paintings and photos shown are in the public domain, or drawn by code.
</footer>
"""

# Gradio's own words for every gallery and every file to upload, of which the page has one each; for
# the last it has none. In other languages it has its own.
_WORDS = {
    "upload_text.drop_gallery": "Drop paintings here",
    "upload_text.drop_file": "Drop photos here",
    "upload_text.drop_video": "Drop a video here",
    "upload_text.click_to_upload": "Click to choose",
    "common.upload": "Add files",
}


def build_demo(studio: Studio) -> Page:
    """Build the page; `launch_options` tells how to serve it."""
    limits = studio.limits
    gr.set_static_paths(list(SHOWN))
    bound_forms()
    with Page(limits, title=TITLE, analytics_enabled=False) as demo:
        gr.HTML(_MASTHEAD.format(strips="<i></i>" * len(PAINTINGS)))
        # On narrow screens a second row: a menu would hide some.
        with gr.Tabs(overflow_behavior="wrap") as tabs:
            with gr.Tab("Stylize", id="stylize"):
                choice = stylize_tab(studio, demo)
            with gr.Tab("On my photo", id="all") as everything:
                all_paintings_tab(studio, choice, tabs, everything)
            with gr.Tab("Gallery", id="gallery") as gallery:
                gallery_tab(choice, tabs, gallery)
            with gr.Tab("A folder", id="folder") as folder:
                folder_tab(studio, choice, folder)
            if _HAS_PYAV:
                from demo.tabs.video import video_tab

                with gr.Tab("Video", id="video") as video:
                    video_tab(studio, choice, video)
            if _HAS_PYAV and not LENDS_GPU:
                from demo.tabs.camera import camera_tab

                with gr.Tab("Camera", id="camera") as camera:
                    camera_tab(studio, choice, camera, studio.streams)
            with gr.Tab("Look inside", id="inside") as inside:
                inside_tab(studio, choice, inside)
        restoring(choice, demo)
        choice.controls.canvas.blob_storage = Layers(limits.layer_bytes)
        gr.HTML(
            _NOTE.format(
                minutes=limits.keep_seconds * 7 // 360,
                megapixels=limits.pixels // 10**6,
                megabytes=limits.upload_bytes // 2**20,
            )
        )
    if _HAS_MCP:
        from demo.mcp_server import mend

        mend()
    # Otherwise it is imported at the first request, on the loop that answers everybody.
    with MatplotlibBackendMananger():
        pass
    # Every request passes the queue and its limits. (`queue` would build the server's routes anew.)
    demo.api_open = False
    demo._queue = FetchingQueue(demo, limits, studio.models)
    return demo


def launch_options(studio: Studio) -> dict[str, Any]:
    """Return the keyword arguments of `launch`: the theme, and the settings of a public server."""
    scripts = sorted((Path(__file__).parent / "page").glob("*.js"))
    script = "\n".join(path.read_text(encoding="utf-8") for path in scripts)
    # The first of them sees a request first.
    address, picture = card()
    files = {**paintings_strip(), address: picture}
    tags = social_tags(TITLE, DESCRIPTION, address)
    middleware = [
        Middleware(CameraPictures, streams=studio.streams),
        Middleware(
            Delivery, files=files, light=light_photo(FIRST_PHOTO), tags=tags, kinds=FIRST_KINDS
        ),
        Middleware(Gate, limits=studio.limits),
        Middleware(Uploads),
        Middleware(PublicNames),
    ]
    return {
        "theme": Atelier(),
        "css": style_sheet(),
        "head": f"<script>{script}</script>",
        "footer_links": ["api"],
        "i18n": gr.I18n(en=_WORDS),
        "max_file_size": max(studio.limits.upload_bytes, studio.limits.video_bytes),
        # Internal errors are logged and not shown to visitors.
        "show_error": False,
        "enable_monitoring": False,
        "run_history": False,
        "allowed_paths": [],
        "ssr_mode": False,
        "mcp_server": _HAS_MCP,
        "state_session_capacity": studio.limits.sessions,
        "app_kwargs": {"middleware": middleware, "lifespan": upkeep},
    }
