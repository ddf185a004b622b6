"""One module for each tab of the demo: what stands where, and which handler an event calls."""
