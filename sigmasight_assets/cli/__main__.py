"""`python -m sigmasight_assets.cli`: the same as `sigmasight`."""

from sigmasight_assets.cli import main

if __name__ == "__main__":
    main()
