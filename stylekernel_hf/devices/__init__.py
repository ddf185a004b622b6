"""Dtypes, threads and memory of the machine, and forked processes."""
