"""The network with loading and saving: checkpoints, presets, the weights in the package."""
