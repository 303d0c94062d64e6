"""The server as a process: its arguments, its checks before it listens, and its end."""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable, Mapping

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from sigmasight_api import logs
from sigmasight_api.app import create_app
from sigmasight_api.settings import ApiSettings
from sigmasight_assets.errors import SigmaSightError
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.schema import require_revision

KEEP_ALIVE_SECONDS = 10
OLDEST = 2
"""The generation that a full collection is of."""
LAST_SECONDS = 3
"""How long streams may go on when the server is told to end."""
LOOK_AGAIN_SECONDS = 600.0


class ShortCollections:
    """What a full collection of garbage leaves is set aside, and looked at again every ten minutes.

    Modules, models and kept answers stay; to look at all of them, some hundred thousand objects, stops every request for 50 to 100 ms.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._looked = clock, clock()

    def __call__(self, phase: str, about: Mapping[str, int]) -> None:
        """To be one of `gc.callbacks`."""
        if phase != "stop" or about["generation"] < OLDEST:
            return
        if self._clock() - self._looked < LOOK_AGAIN_SECONDS:
            gc.freeze()
        else:
            gc.unfreeze()  # the next full collection sees everything
            self._looked = self._clock()


def serve() -> int:
    """Serve until a signal; 1 with one sentence where the settings or the database do not allow it."""
    parser = argparse.ArgumentParser(prog="python -m sigmasight_api", description="The REST API of SigmaSight.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine alone)")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    try:
        settings = ApiSettings()
        database = Database(settings.url)
        require_revision(database)
        database.dispose()
        app = create_app(settings, utc_now)
    except ValidationError as error:
        names = ", ".join(f"SIGMASIGHT_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors())
        print(f"error: {names}", file=sys.stderr)
        return 1
    except SigmaSightError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    run(app, arguments.host, arguments.port)
    return 0


def run(app: FastAPI, host: str, port: int) -> None:
    """Serve an application until a signal."""
    logs.configure()
    gc.freeze()  # what is loaded by now stays
    gc.callbacks.append(ShortCollections())
    gc.enable()
    patience = {"timeout_keep_alive": KEEP_ALIVE_SECONDS, "timeout_graceful_shutdown": LAST_SECONDS}
    uvicorn.run(app, host=host, port=port, log_config=None, server_header=False, **patience)
