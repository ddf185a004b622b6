"""Files that appear whole or not at all, safetensors, and paths that are written to."""
