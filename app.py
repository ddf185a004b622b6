"""The demo: `python app.py` here, and the same file in a Space."""

import os
import tempfile
from pathlib import Path

# What is old in it is deleted: it must not be the folder of all that use Gradio, which is read when
# Gradio is imported.
os.environ.setdefault("GRADIO_TEMP_DIR", str(Path(tempfile.gettempdir(), "stylekernel-demo")))

from demo.interface import build_demo, launch_options
from demo.studio import Studio
from stylekernel_hf import keep_freed_memory, share_processors

keep_freed_memory()
share_processors()
studio = Studio()
demo = build_demo(studio)

if __name__ == "__main__":
    demo.launch(**launch_options(studio))
