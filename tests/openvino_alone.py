"""OpenVINO's tests run in a process of their own.

After OpenVINO was used, a later test that stylizes with PyTorch and raises a signal ends in a
segmentation fault (OpenVINO 2026.4 with PyTorch 2.14). Commands of the shell load one of them.
"""

from __future__ import annotations

import os

import pytest

VARIABLE = "STYLEKERNEL_TEST_OPENVINO"
openvino_alone = pytest.mark.skipif(
    VARIABLE not in os.environ, reason="runs in a process of its own, in test_openvino.py"
)
