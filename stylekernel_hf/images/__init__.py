"""Images from file to tensor and back: reading, writing, colours, geometry, masks."""
