"""The command line `stylekernel` with all of its commands."""

from __future__ import annotations

from stylekernel_hf.cli.commands import build_app

app = build_app()
