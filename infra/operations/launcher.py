"""Writes the command `sessionctl`: `python -m infra.operations.launcher FILE`, by the interpreter that is to run it."""

import shlex
import sys
from pathlib import Path

from infra.families import ROOT


def script(interpreter: str, root: Path) -> str:
    """Runs from any folder. A shell starts the interpreter, as a path in `#!` has no spaces and 127 letters at most."""
    return f"""#!/bin/sh
'''exec' {shlex.quote(interpreter)} "$0" "$@"
' '''
import sys

sys.path[:0] = {[str(root), str(root / "layers" / "sessions" / "python")]!r}

from infra.operations.main import main

sys.exit(main())
"""


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(script(sys.executable, ROOT))
    file.chmod(0o755)
