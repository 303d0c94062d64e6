"""Write what the installed `exchange_calendars` says of the New York Stock Exchange: `python scripts/keep_sessions.py`.

To be run when its version in constraints.txt changes. One row for each weekday without trading (no close) and each early close.
"""

from __future__ import annotations

import csv
from datetime import UTC
from importlib.metadata import version

import numpy as np

from sigmasight_assets.session_schedule import FIRST_DATE, KEPT, LAST_KEPT, LIBRARY, NEW_YORK, USUAL_CLOSE, library_schedule


def main() -> None:
    days, closes = library_schedule(LAST_KEPT)
    weekdays = np.arange(np.datetime64(FIRST_DATE, "D"), np.datetime64(LAST_KEPT, "D") + 1)
    weekdays = weekdays[np.is_busday(weekdays)]
    local = [moment.replace(tzinfo=UTC).astimezone(NEW_YORK) for moment in closes.tolist()]
    early = {moment.date().isoformat(): f"{moment:%H:%M}" for moment in local if moment.time() != USUAL_CLOSE}
    closed = {day.isoformat(): "" for day in np.setdiff1d(weekdays, days).tolist()}
    with KEPT.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["day", f"{LIBRARY} {version(LIBRARY)}"])
        rows.writerows(sorted({**closed, **early}.items()))


if __name__ == "__main__":
    main()
