"""Checks of arguments with errors that name them, and error messages."""
