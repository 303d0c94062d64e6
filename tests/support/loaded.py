"""What a process has loaded after it answered reads: `python -m tests.support.loaded`, with settings in the environment.

In: a JSON list of [path, bearer token or None]. Out: `{"statuses": [...], "loaded": [names of top-level modules]}`.
"""

from __future__ import annotations

import json
import sys

from fastapi.testclient import TestClient

from sigmasight_api.app import create_app


def main() -> None:
    statuses = []
    with TestClient(create_app()) as client:
        for path, token in json.load(sys.stdin):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            statuses.append(client.get(path, headers=headers).status_code)
    json.dump({"statuses": statuses, "loaded": sorted({name.split(".")[0] for name in sys.modules})}, sys.stdout)


if __name__ == "__main__":
    main()
