"""Speed and memory of the package on this machine, beside the machine's limits."""
