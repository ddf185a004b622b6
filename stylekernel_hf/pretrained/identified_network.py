"""The network with the id of its checkpoint, which new weights change and copies keep."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from torch import Tensor

from stylekernel_hf.hub.weights_digest import weights_id
from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.model.style_kernel import StyleKernelNetwork

Network = TypeVar("Network", bound="IdentifiedNetwork")


class IdentifiedNetwork(StyleKernelNetwork):
    """A network that knows whether its weights are still those of a checkpoint."""

    def __init__(self, config: StyleKernelConfig | None = None) -> None:
        super().__init__(config)
        self._checkpoint_id: str | None = None
        self._identified_versions: tuple[int, ...] = ()
        self._weights_before_training: str | None = None

    @property
    def checkpoint_id(self) -> str:
        """The id of the checkpoint, which encoded styles and saved copies in any dtype carry.

        It is read from config.json. New weights get a new id, the start of their SHA-256: those of
        a network that was built, trained or given another state dict. Moving or rounding the
        weights, or copying the network, keeps the id.
        """
        if not self._weights_are_as_identified():
            self.identify(self._weights_id())
        return cast(str, self._checkpoint_id)

    def train(self: Network, mode: bool = True) -> Network:
        """Set training mode, as torch does, and remember the weights if training begins."""
        if mode and not self.training and self._weights_are_as_identified():
            self._weights_before_training = self._weights_id()
        return super().train(mode)

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Copy a state dict into the network, as torch does; the checkpoint gets a new id."""
        self._checkpoint_id = None
        return super().load_state_dict(*args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies and pickles hold: their weights have no history of changes yet."""
        known = self._weights_are_as_identified()
        return {**self.__dict__, "_checkpoint_id": self._checkpoint_id if known else None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.identify(self._checkpoint_id)

    def identify(self, checkpoint_id: str | None) -> None:
        """Take the weights as they are now for those of a checkpoint; None for a new one."""
        self._checkpoint_id = checkpoint_id
        self._identified_versions = self._weight_versions()
        self._weights_before_training = self._weights_id() if self.training else None

    def _weights_are_as_identified(self) -> bool:
        if self._checkpoint_id is None or self._identified_versions != self._weight_versions():
            return False
        # Fused optimizers leave the versions alone, so what was in training is compared in full.
        before = self._weights_before_training
        return before is None or before == self._weights_id()

    def _weights_id(self) -> str:
        return weights_id(cast("dict[str, Tensor]", self.state_dict()))

    def _weight_versions(self) -> tuple[int, ...]:
        """Return how often each tensor was changed in place; tensors of inference mode never."""
        return tuple(0 if x.is_inference() else x._version for x in self.parameters())
