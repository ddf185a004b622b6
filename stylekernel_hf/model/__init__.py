"""The network of the paper, one part a file, wired together in `style_kernel`."""
