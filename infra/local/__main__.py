"""`make run`."""

import signal
import sys

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while modules load there is nothing to stop, nor to say
    from infra.local import platform

    sys.exit(platform.main())
