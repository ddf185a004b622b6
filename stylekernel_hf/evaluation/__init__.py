"""Checkpoints scored on pairs of pictures, with tables, sheets and reports."""
