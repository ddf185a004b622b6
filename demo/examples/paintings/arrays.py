"""The array shapes that all painting code speaks of."""

import numpy as np
from jaxtyping import Float, Int

Color = Float[np.ndarray, " 3"]
"""One RGB colour in [0, 1]."""

Colors = Float[np.ndarray, "n 3"]
"""Many RGB colours in [0, 1]."""

Points = Float[np.ndarray, "n 2"]
"""x to the right and y down; 0 to 1 across the picture unless a docstring says pixels."""

Plane = Float[np.ndarray, "h w"]
"""One number per pixel: a mask, a tone, a height."""

Picture = Float[np.ndarray, "h w 3"]
"""RGB in [0, 1]."""

Labels = Int[np.ndarray, "h w"]
"""The number of the shape that each pixel belongs to."""
