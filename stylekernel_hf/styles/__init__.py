"""Encoded styles: what a painting becomes, kept, mixed and shared."""
