"""Pictures from file to tensor and back: reading, writing, colour, padding, masks."""
