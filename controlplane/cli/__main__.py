"""`python -m controlplane.cli`: the command `pointsman`. It holds no state: killed, it leaves nothing behind."""

from controlplane.cli.app import main

if __name__ == "__main__":
    main()
