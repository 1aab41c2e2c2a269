"""``python -m rtpcap``: the command line."""

from rtpcap.cli.main import main

if __name__ == "__main__":
    main()
