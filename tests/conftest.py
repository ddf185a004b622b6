"""Shapes in signatures are checked while the tests run.

Only where arguments come from our own code: for callers' mistakes `image_io`, `image_processor`
and the pipeline raise errors of their own, which the checker would forestall.
"""

import jaxtyping
import torch

# Tiny tensors gain nothing from threads, and on a busy machine wait long for each other.
torch.set_num_threads(1)

jaxtyping.install_import_hook(
    ["stylekernel_hf.model", "stylekernel_hf.metrics", "stylekernel_hf.training.losses"],
    "beartype.beartype",
)
