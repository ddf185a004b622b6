"""The demo: `python app.py` here, and the same file in a Space."""

from demo.interface import build_demo, launch_options
from demo.studio import Studio
from stylekernel_hf import keep_freed_memory, share_processors

keep_freed_memory()
share_processors()
studio = Studio()
demo = build_demo(studio)

if __name__ == "__main__":
    demo.launch(**launch_options(studio))
