"""`python -m sigmasight_assets.reports PORTFOLIO [--session D] --format md,json,csv,html`: the same as `sigmasight report`."""

import sys

from sigmasight_assets.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "report")
    main()
