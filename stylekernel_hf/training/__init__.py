"""Training from image folders: crops, losses, and the loop on accelerate."""
