"""Lets diffusers load this repository with trust_remote_code=True."""

try:
    from stylekernel_hf import StyleKernelDiffusionModel as StyleKernelModel
except ModuleNotFoundError as error:
    if error.name != "stylekernel_hf":
        raise
    message = "this repository needs the package stylekernel_hf: pip install stylekernel-hf"
    raise ImportError(message) from None

__all__ = ["StyleKernelModel"]
