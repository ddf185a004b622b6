"""Perceptual feature networks and the metrics that results are judged by."""
