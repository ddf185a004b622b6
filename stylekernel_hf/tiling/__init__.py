"""Pictures of any size in bounded memory: tile by tile, exactly as in one piece."""
