"""Whether a network can start as a smaller one."""

from __future__ import annotations

from stylekernel_hf.pretrained.model import StyleKernelModel


def check_widening(narrow: StyleKernelModel, wide: StyleKernelModel) -> None:
    """Raise ValueError with the config key in which `wide` cannot hold `narrow`."""
    alike = (
        "kernel_size",
        "dynamic_convolutions",
        "channel_shuffle",
        "gating",
        "decoder_blocks",
        "max_pooling",
    )
    pairs = {name: (getattr(narrow.config, name), getattr(wide.config, name)) for name in alike}
    pairs["stride"] = narrow.stride, wide.stride
    pairs["style_stride"] = narrow.style_stride, wide.style_stride
    for name, (theirs, ours) in pairs.items():
        if str(theirs).strip("()[]") != str(ours).strip("()[]"):
            raise ValueError(f"init must have {name} {ours} as the preset has, got {theirs}")
    for name in ("attention_channels", "kernel_channels", "code_channels"):
        theirs, ours = getattr(narrow.config, name), getattr(wide.config, name)
        if theirs > ours:
            raise ValueError(
                f"init must not be larger in {name} than the preset's {ours}, got {theirs}"
            )
    for part in ("encoder", "style", "decoder"):
        for name in (f"{part}_channels", f"{part}_depths"):
            theirs, ours = getattr(narrow.config, name), getattr(wide.config, name)
            # The encoders may have one stage more, at full resolution.
            lengths = (len(ours),) if part == "decoder" else (len(ours), len(ours) - 1)
            wider = all(a <= b for a, b in zip(reversed(theirs), reversed(ours), strict=False))
            if len(theirs) not in lengths or not wider:
                raise ValueError(
                    f"init must not be larger in {name} than the preset's {tuple(ours)}, "
                    f"got {tuple(theirs)}"
                )
