"""Lets an Inference Endpoint stylize with this repository."""

try:
    from stylekernel_hf import EndpointHandler as EndpointHandler
except ModuleNotFoundError as error:
    if error.name != "stylekernel_hf":
        raise
    message = "this repository needs the package stylekernel_hf: pip install stylekernel-hf"
    raise ImportError(message) from None

__all__ = ["EndpointHandler"]
