"""The API as it is served, with one more route that answers a constant behind the same middleware: what the others are compared with."""

from __future__ import annotations

import argparse

from starlette.responses import Response

from benchmarks.load import pin
from sigmasight_api.access import Door
from sigmasight_api.app import PREFIX, create_app
from sigmasight_api.serving import run

CONSTANT = f"{PREFIX}/constant"
SERVER_CORE = 0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    pin(SERVER_CORE)
    app = create_app()

    @app.get(CONSTANT)
    def constant(door: Door) -> Response:
        del door  # who asks is found out, and nothing is asked of the database
        return Response(b'{"value":1}', media_type="application/json")

    run(app, "127.0.0.1", port)


if __name__ == "__main__":
    main()
