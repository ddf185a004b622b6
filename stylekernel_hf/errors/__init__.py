"""Errors that name the argument, and messages of one line."""
