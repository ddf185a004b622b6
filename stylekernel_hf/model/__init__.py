"""The network: one idea a file, wired together in `style_kernel`."""
