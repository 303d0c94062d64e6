"""What a console does when its reader has gone."""

from __future__ import annotations

import os

from sigmasight_assets.cli.console import Stream


def test_closed_pipe_ends_the_printing_and_not_the_work() -> None:
    reading, writing = os.pipe()
    os.close(reading)  # `sigmasight run … | head` has ended
    with os.fdopen(writing, "w") as file:
        stream = Stream(file=file)
        stream.print("first")
        stream.print("second")
        assert stream.quiet
