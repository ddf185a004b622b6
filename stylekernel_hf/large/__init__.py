"""Pictures larger than memory, painted strip by strip from file to file."""
