"""Atomic writes, checks of output paths, and safetensors files."""
