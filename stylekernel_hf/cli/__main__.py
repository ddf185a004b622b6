"""`python -m stylekernel_hf.cli`, for launchers of several processes."""

from stylekernel_hf.cli import main

main()
