"""The pipeline for diffusers and for transformers."""
