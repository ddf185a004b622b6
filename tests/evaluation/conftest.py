"""An ablation trains: its tests use what those of the training use."""

from tests.training.conftest import fresh_accelerator, settings

__all__ = ["fresh_accelerator", "settings"]
