"""The child process: `python -m intake.reading.scans FOLDER`."""

import sys

from intake.reading.scans.work import main

if __name__ == "__main__":
    main(sys.argv[1])
