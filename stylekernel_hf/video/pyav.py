"""PyAV, FFmpeg's libraries in Python: the one place that imports it."""

from __future__ import annotations

from stylekernel_hf.errors.messages import extra_required

with extra_required("video", "a video", "PyAV"):
    import av as av
    from av.error import EOFError as EndOfFileError
    from av.error import FFmpegError, InvalidDataError
    from av.filter import Graph
    from av.stream import Disposition

__all__ = ["Disposition", "EndOfFileError", "FFmpegError", "Graph", "InvalidDataError", "av"]
