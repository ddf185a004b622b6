"""The rows of a plan as Ray Data reads them, for its record of what is done."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pyarrow.parquet as pq

from stylekernel_hf.bulk.places import open_folder
from stylekernel_hf.bulk.plan import PLAN_NAME
from stylekernel_hf.errors.messages import extra_required

with extra_required("bulk", "stylizing a collection"):
    from ray.data.block import BlockMetadata
    from ray.data.datasource import Datasource, ReadTask


class PlanRows(Datasource):
    """Reads the plan of a target in one task.

    `ray.data.read_parquet` starts up to 32 processes, of a second each, that look at the ends of
    the files.
    """

    def __init__(self, target: str) -> None:
        super().__init__()
        self._target = target

    def estimate_inmemory_data_size(self) -> int | None:
        """Return None: nothing is known before the file is read."""
        return None

    def get_read_tasks(
        self, parallelism: int, per_task_row_limit: int | None = None, data_context: Any = None
    ) -> list[ReadTask]:
        """Return the one task."""
        unknown = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
        return [ReadTask(partial(_read, self._target), unknown, None, per_task_row_limit)]


def _read(target: str) -> Iterator[Any]:
    filesystem, root = open_folder(target, name="target")
    plan: Any = pq.read_table(f"{root}/{PLAN_NAME}", filesystem=filesystem)
    yield plan.replace_schema_metadata(None)
