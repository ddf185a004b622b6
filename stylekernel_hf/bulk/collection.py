"""A collection of photos stylized with Ray Data: read, stylize, write, and a manifest."""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow.fs
import pyarrow.parquet as pq

from stylekernel_hf.bulk.file_stages import ReadPhotos, WritePictures
from stylekernel_hf.bulk.photo_sources import open_source
from stylekernel_hf.bulk.places import FileSystem, absolute, open_folder, shown_place
from stylekernel_hf.bulk.plan import keep_plan, pair
from stylekernel_hf.bulk.plan_rows import PlanRows
from stylekernel_hf.bulk.stylize_batch import StylizeBatch
from stylekernel_hf.errors.messages import extra_required
from stylekernel_hf.styles.embedding import StyleEmbedding

with extra_required("bulk", "stylizing a collection"):
    import ray
    import ray.data
    from ray.data.checkpoint import CheckpointConfig
    from ray.exceptions import RayError

MANIFEST, _CHECKPOINT = "manifest", "checkpoint"


class CollectionResult(NamedTuple):
    """What a run did, and what the manifest holds in all."""

    written: int
    failed: int
    new: int
    seconds: float


@dataclass(frozen=True)
class CollectionOptions:
    """How a collection is stylized.

    `workers` processes hold a network each, with `gpus` GPUs each, and take `batch_size` photos at
    a time. `seed` draws one painting for each photo. `image_column` is the column of photos of a
    source in Parquet. `controls` are those of `StylizeBatch`.
    """

    model: str | None = None
    suffix: str = ".jpg"
    seed: int | None = None
    image_column: str | None = None
    workers: int | None = None
    gpus: float = 0.0
    batch_size: int = 8
    controls: Mapping[str, Any] | None = None


@contextmanager
def _cluster(address: str | None) -> Generator[None]:
    """Connect to a Ray cluster, or start one on this machine for None, and leave it at the end.

    Errors of the cluster become OSErrors.
    """
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It warns that one bar is shown instead of one for each stage.
    logging.getLogger("ray.data._internal.progress").setLevel(logging.ERROR)
    ray.init(address, logging_level=logging.WARNING, log_to_driver=False)
    try:
        yield
    except RayError as error:
        raise OSError(f"the Ray cluster failed: {error}") from error
    finally:
        ray.shutdown()


def stylize_collection(
    source: str,
    styles: Mapping[str, StyleEmbedding],
    target: str,
    options: CollectionOptions,
    *,
    address: str | None = None,
) -> CollectionResult:
    """Stylize the photos of a source into `target/pictures`, on the Ray cluster of this address.

    Without an address, a cluster starts on this machine.

    `target/manifest` holds a row for each picture, in Parquet: name, photo, painting, settings,
    seconds and error. Ray's checkpoint in the target knows what is done: after a crash the same
    call goes on, and repeats at most the batches that were under way. A photo that failed is not
    tried again.

    Raises FileNotFoundError without photos and FileExistsError if the target holds another run,
    before the cluster is there, and OSError if the cluster fails.
    """
    # Workers may run in folders of their own.
    source, target = absolute(source), absolute(target)
    controls = dict(options.controls or {})
    photos = open_source(source, options.image_column).names()
    plan = pair(photos, [*styles], options.suffix, seed=options.seed)
    column = {} if options.image_column is None else {"image_column": options.image_column}
    settings = {
        "source": shown_place(source),
        **column,
        "model": options.model,
        "styles": {name: _digest(style) for name, style in styles.items()},
        "controls": controls,
    }
    keep_plan(target, plan, settings)
    before = _count_finished(target)
    with _cluster(address):
        began = time.monotonic()
        _run(source, styles, target, options)
        seconds = time.monotonic() - began
    written, failed = _count(target)
    return CollectionResult(written, failed, written + failed - before, seconds)


def _run(
    source: str, styles: Mapping[str, StyleEmbedding], target: str, options: CollectionOptions
) -> None:
    filesystem, root = open_folder(target, name="target")
    processors = int(ray.cluster_resources().get("CPU", 1))
    workers = options.workers or (1 if options.gpus else max(1, processors))
    # Ray reads the plan in a task, and leaves out what is done in another, of a processor each.
    share = math.floor(100 * max(0, processors - 2) / workers) / 100
    network = {"num_cpus": min(1.0, share), "num_gpus": options.gpus}
    waiting = {"num_cpus": 0.0}
    arguments = {"suffix": options.suffix, **(options.controls or {})}
    with _checkpoints(f"{root}/{_CHECKPOINT}", filesystem):
        rows: Any = ray.data.read_datasource(PlanRows(target), override_num_blocks=1)
        rows = rows.repartition(target_num_rows_per_block=options.batch_size)
        photos = (source, options.image_column)
        rows = rows.map_batches(ReadPhotos, fn_constructor_args=photos, **_pool(1, waiting))
        rows = rows.map_batches(
            StylizeBatch,
            batch_size=options.batch_size,
            fn_constructor_args=(options.model, dict(styles)),
            fn_constructor_kwargs=arguments,
            **_pool(workers, network),
        )
        kept = (target, {"model": options.model, **(options.controls or {})})
        rows = rows.map_batches(WritePictures, fn_constructor_args=kept, **_pool(1, waiting))
        rows.write_parquet(f"{root}/{MANIFEST}", filesystem=filesystem, mode="append")


def _pool(workers: int, resources: Mapping[str, float]) -> dict[str, Any]:
    """Return how a stage runs: in processes that live as long as the run."""
    return {"compute": ray.data.ActorPoolStrategy(size=workers), **resources}


@contextmanager
def _checkpoints(path: str, filesystem: FileSystem) -> Generator[None]:
    """Keep track of finished rows, and show one bar, while the context lasts."""
    context: Any = ray.data.DataContext.get_current()
    before = context.checkpoint_config, context.enable_operator_progress_bars
    config = CheckpointConfig(
        id_column="name",
        checkpoint_path=path,
        delete_checkpoint_on_success=False,
        override_filesystem=filesystem,
    )
    config.checkpoint_actor_pool_max_size = 1
    context.checkpoint_config, context.enable_operator_progress_bars = config, False
    try:
        yield
    finally:
        context.checkpoint_config, context.enable_operator_progress_bars = before


def _count(target: str) -> tuple[int, int]:
    """Return how many pictures the manifest has, and how many errors."""
    filesystem, root = open_folder(target, name="target")
    errors: Any = pq.read_table(f"{root}/{MANIFEST}", filesystem=filesystem, columns=["error"])
    failed = sum(bool(error) for error in errors["error"].to_pylist())
    return len(errors) - failed, failed


def _count_finished(target: str) -> int:
    """Return how many rows Ray's checkpoint holds; the manifest of a killed run may hold more."""
    filesystem, root = open_folder(target, name="target")
    folder = pyarrow.fs.FileSelector(f"{root}/{_CHECKPOINT}", allow_not_found=True)
    files: list[Any] = filesystem.get_file_info(folder)
    finished = [each.path for each in files if not each.path.endswith(".pending.parquet")]
    return sum(pq.read_metadata(path, filesystem=filesystem).num_rows for path in finished)


def _digest(style: StyleEmbedding) -> str:
    digest = hashlib.sha256()
    for part in (style.key, style.value, style.code):
        digest.update(part.cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
