"""`python -m stylekernel_hf.cli`, for `accelerate launch` and the like."""

from stylekernel_hf.cli import main

main()
