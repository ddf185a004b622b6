"""Pictures of any size in bounded memory: tile by tile, with the result of one piece."""
