"""What torch computes on: dtypes, threads, memory and forked processes."""
