"""``python -m fastcalc``: the reference problem, or the derivatives of any importable function."""

import sys

from fastcalc._cli.command import main

if __name__ == "__main__":
    sys.exit(main())
