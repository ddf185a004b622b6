"""The network of the paper, one part a file; `style_kernel` connects them in reading order."""
