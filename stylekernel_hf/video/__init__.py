"""Videos stylized frame by frame, with their timing, their sound and what else is in the file."""
