"""`python -m sigmasight_assets.cli.validate`: the definitions load and resolve, as `dagster definitions validate` would see them."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from sigmasight_assets.cli.home import prepare_home
from sigmasight_assets.settings import Settings


def main() -> int:
    """Load the code location in a home of its own; 0 when every job, check, schedule and sensor resolves."""
    with tempfile.TemporaryDirectory() as folder:
        prepare_home(Settings(state_dir=Path(folder)))
        from sigmasight_assets.definitions import Definitions, defs

        Definitions.validate_loadable(defs)
        graph = defs.resolve_asset_graph()
        print(f"definitions are valid: {len(graph.get_all_asset_keys())} assets, {len(graph.asset_check_keys)} checks")
    return 0


if __name__ == "__main__":
    sys.exit(main())
