"""Images larger than memory, stylized strip by strip from file to file."""
