"""The command line `stylekernel`: the only place of the package that prints."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; what a user can mend ends in one line, not in a traceback."""
    from stylekernel_hf.cli.app import app

    try:
        app()
    except KeyboardInterrupt:
        sys.exit("stylekernel: interrupted")
    except (OSError, ValueError, TypeError, ArithmeticError, ImportError) as error:
        sys.exit(f"stylekernel: error: {' '.join(str(error).split())}")
