"""Encoded styles: read, mixed, saved and shared."""
