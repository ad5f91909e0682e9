"""`make run`."""

import gc
import os
import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while modules load there is nothing to stop, nor to say
    gc.disable()  # until all is loaded: to look for garbage takes a tenth of the start
    from infra.local import platform

    # At once: where Ctrl-C met code that was made of text, as classes are, Python would end as if nobody had caught it.
    os._exit(platform.main())
