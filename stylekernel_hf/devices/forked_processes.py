"""Torch in processes made by fork."""

from __future__ import annotations

import functools
import os

import torch


@functools.cache
def use_one_thread_in_forks() -> None:
    """Make torch use one thread in every process that this one forks from now on.

    The threads of OpenMP do not survive a fork: a child that computes with several threads
    deadlocks. Python's multiprocessing forks on Linux up to 3.13, and so does torch's DataLoader.
    The parent keeps its threads, and so does a child started by "spawn" or "forkserver".
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))
