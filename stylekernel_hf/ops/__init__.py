"""The operations of the network that have a fast path."""
