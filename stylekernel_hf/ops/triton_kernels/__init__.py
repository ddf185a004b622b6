"""Fused kernels for CUDA, in Triton: the same numbers as the portable functions, in one pass."""
