"""`python -m proxy`. See `proxy/main.py`, also for what happens when it is killed."""

import sys

from proxy.main import main

if __name__ == "__main__":
    sys.exit(main())
