"""`python -m sigmasight_assets.cli.validate`: what Dagster itself says of the code location, as it would be loaded and served."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from sigmasight_assets.dagster_home import PROJECT, prepare_home
from sigmasight_assets.settings import Settings


def main() -> int:
    """`dagster definitions validate` on the workspace, in a home of its own; 0 when everything loads and resolves."""
    with tempfile.TemporaryDirectory() as folder:
        prepare_home(Settings(state_dir=Path(folder)))
        options = ["--load-with-grpc", "--log-level", "warning"]
        command = [sys.executable, "-W", "ignore", "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml", *options]
        code = subprocess.run(command, cwd=PROJECT, stdin=subprocess.DEVNULL, check=False).returncode
    print("The definitions are valid." if code == 0 else "The definitions are not valid.")
    return code


if __name__ == "__main__":
    sys.exit(main())
