"""Write the migration that brings the newest revision to the tables of the code: `python scripts/new_migration.py 0002 "what changes"`."""

import sys
import tempfile
from pathlib import Path

from alembic import command

from sigmasight_assets.store.database import Database
from sigmasight_assets.store.schema import alembic_config, upgrade


def main(revision: str, message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'empty.db'}")
        if any((Path(__file__).parents[1] / "sigmasight_assets/store/migrations/versions").glob("*.py")):
            upgrade(database)
        with database.write() as connection:
            config = alembic_config()
            config.attributes["connection"] = connection
            command.revision(config, message=message, rev_id=revision, autogenerate=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
