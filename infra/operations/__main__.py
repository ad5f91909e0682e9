"""`python -m infra.operations` is `sessionctl`."""

import sys

from infra.operations.main import main

if __name__ == "__main__":
    sys.exit(main())
