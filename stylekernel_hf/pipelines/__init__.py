"""The pipeline: from pictures in to pictures out."""
