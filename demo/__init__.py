"""The demo: a Gradio app around the pipeline, the same on a laptop and as a Space."""
