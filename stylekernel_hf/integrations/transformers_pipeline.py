"""The task "style-kernel" of `transformers.pipeline`."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from torch.utils.data import Dataset

from stylekernel_hf.errors.messages import extra_required
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.styles.library import StyleLibrary

with extra_required("transformers", "transformers.pipeline"):
    from transformers.pipelines import PIPELINE_REGISTRY
    from transformers.pipelines.base import Pipeline

TASK = "style-kernel"


def register_with_transformers() -> None:
    """Make `transformers.pipeline("style-kernel", model=...)` work in this process.

    Its `model` must be a StyleKernelModel or a StyleKernelPipeline, not a name, because
    transformers loads only checkpoints of its own classes by name. The pipeline that it returns is
    a `TransformersStyleKernel`. A second call changes nothing.

    Raises:
        ImportError: transformers is not installed.

    Example:
        >>> import transformers
        >>> from stylekernel_hf import pipeline, register_with_transformers
        >>> register_with_transformers()
        >>> model = pipeline("style-kernel", device="cpu").model
        >>> transformers.pipeline("style-kernel", model=model)
        TransformersStyleKernel(StyleKernelModel, torch.float32, cpu)
    """
    if TASK not in PIPELINE_REGISTRY.get_supported_tasks():
        PIPELINE_REGISTRY.register_pipeline(TASK, TransformersStyleKernel)


class TransformersStyleKernel(Pipeline):
    """A pipeline of transformers around a StyleKernelPipeline, its `stylizer`.

    `transformers.pipeline` takes the options of the stylizer's call too, for all calls.
    """

    _load_processor = False
    _load_image_processor = False
    _load_video_processor = False
    _load_feature_extractor = False
    _load_tokenizer = False

    def __init__(self, model: StyleKernelModel | StyleKernelPipeline, **options: Any) -> None:
        network: object = getattr(model, "model", model)
        if not isinstance(network, StyleKernelModel):
            raise TypeError(
                "model must be a StyleKernelModel or a StyleKernelPipeline, got "
                f"{type(network).__name__}"
            )
        self.stylizer = StyleKernelPipeline(network)
        super().__init__(network, **options)  # pyright: ignore[reportArgumentType]

    def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        inputs: Any,
        style: Any = None,
        *,
        num_workers: int | None = None,
        batch_size: int | None = None,
        **options: Any,
    ) -> Any:
        """Stylize one content, or a list, a generator or a dataset of contents.

        Args:
            inputs: One content, or several in a list, a generator or a dataset.
            style: The style, as `StyleKernelPipeline` takes it.
            num_workers: Processes that read the next contents of a dataset meanwhile.
            batch_size: Without effect: pictures of any sizes are stylized one by one.
            **options: Options of the call of `StyleKernelPipeline`.

        Returns:
            One picture for one content, a list for a list, and for a generator or a dataset an
            iterator that stylizes each content when it is asked for.

        Raises:
            TypeError, ValueError, OSError: As the call of `StyleKernelPipeline` does.
        """
        options = {**self._forward_params, **options}
        if style is not None:
            options["style"] = style
        if options.get("style") is None:
            raise TypeError("style must be given: pipe(content, style=...)")
        if isinstance(inputs, Generator | Dataset):
            options["style"] = self._encode_once(**options)
            return super().__call__(inputs, num_workers=num_workers, batch_size=1, **options)
        images = self.stylizer(inputs, **options).images
        return images if isinstance(inputs, list | tuple) else images[0]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self.model).__name__}, {self.dtype}, {self.device})"

    def save_pretrained(self, save_directory: Any, **options: Any) -> None:
        """Save the repository; see `StyleKernelPipeline.save_pretrained`."""
        self.stylizer.save_pretrained(save_directory, **options)

    def push_to_hub(self, repo_id: str, **options: Any) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Push the repository; see `StyleKernelPipeline.push_to_hub`."""
        return self.stylizer.push_to_hub(repo_id, **options)

    def preprocess(self, input_: Any, **_: Any) -> dict[str, Any]:
        """Pass a content of a stream on as it is: the stylizer reads it."""
        return {"content": input_}

    def postprocess(self, model_outputs: Any, **_: Any) -> Any:
        """Return the stylized picture of one content of a stream."""
        return model_outputs["image"]

    def _forward(self, input_tensors: dict[str, Any], **options: Any) -> Any:
        return {"image": self.stylizer(input_tensors["content"], **options).images[0]}

    def _sanitize_parameters(self, **options: Any) -> tuple[dict[str, Any], ...]:
        return {}, options, {}

    def _encode_once(self, style: Any, style_size: int | None = 512, **options: Any) -> Any:
        several = isinstance(style, list | tuple | StyleLibrary)
        # Colour transfer needs the style image itself.
        if several or options.get("color") == "transfer":
            return style
        return self.stylizer.encode_style(style, style_size=style_size)
