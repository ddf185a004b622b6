"""Perceptual feature networks and the figures that a checkpoint is judged by."""
