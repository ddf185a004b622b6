"""The pipeline as a class of diffusers and as a task of transformers."""
