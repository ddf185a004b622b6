"""The checkpoint that comes with the package."""

from __future__ import annotations

from pathlib import Path

EMBEDDED_CHECKPOINT = Path(__file__).parents[1] / "weights"
"""The checkpoint that comes with the package: the preset "small", trained, in float16."""
EMBEDDED_NAME = "the weights in stylekernel_hf"
