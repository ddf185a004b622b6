"""The checkpoints to choose from: the embedded one, and any of the Hub by its id."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from demo.limits import Limits
from demo.messages import VisitorError
from demo.watched import WatchedPipeline
from stylekernel_hf import StyleKernelModel, StyleKernelPipeline, pipeline

EMBEDDED = "small (built in)"
_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
_KEPT = 2
"""Checkpoints of the Hub that stay in memory."""


class ModelShelf:
    """Ready pipelines by name; those of the Hub are loaded when first asked for.

    `embedded` is the pipeline to serve as the built-in one; by default that of the package.
    """

    def __init__(self, limits: Limits, embedded: StyleKernelPipeline | None = None) -> None:
        self._limits = limits
        self._embedded = WatchedPipeline((embedded or pipeline("style-kernel")).model)
        self._kept: OrderedDict[str, WatchedPipeline] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str | None) -> WatchedPipeline:
        """Return the pipeline; VisitorError if there is none of that name."""
        name = (name or EMBEDDED).strip()
        if name == EMBEDDED:
            return self._embedded
        with self._lock:
            if name not in self._kept:
                self._kept[name] = self._load(name)
            self._kept.move_to_end(name)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return self._kept[name]

    def _load(self, name: str) -> WatchedPipeline:
        # A folder of the server that happens to be called so is none of the visitor's business.
        if not _HUB_ID.fullmatch(name) or Path(name).exists():
            raise VisitorError(
                f"Model must be “{EMBEDDED}” or the id of a repository on the Hugging Face Hub, "
                f"such as owner/name; got “{name}”."
            )
        try:
            # Without a token: with the server's own, visitors would reach its private models.
            files = HfApi(token=False).list_repo_tree(name, recursive=True)
            size = sum(getattr(file, "size", 0) for file in files)
            if size > self._limits.hub_bytes:
                raise VisitorError(
                    f"Model “{name}” is too large for this server: {size / 2**20:.0f} MB, and at "
                    f"most {self._limits.hub_bytes / 2**20:.0f} MB are loaded."
                )
            network = StyleKernelModel.from_pretrained(name, token=False)
        except RepositoryNotFoundError as error:
            raise VisitorError(f"The Hub has no public model “{name}”.") from error
        except VisitorError:
            raise
        except HfHubHTTPError as error:
            raise VisitorError(f"The Hub did not answer for “{name}”; try later.") from error
        except (OSError, ValueError, TypeError) as error:
            raise VisitorError(
                f"“{name}” is not a checkpoint of this network, or is not whole."
            ) from error
        pipe = WatchedPipeline(network)
        pipe.to(self._embedded.device)
        return pipe
