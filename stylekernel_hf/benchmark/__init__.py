"""How fast and how frugal the package is on this machine, and how near to the machine's limits."""
