"""Answers about the process."""

from __future__ import annotations

from sigmasight_api.models.base import Document


class Live(Document):
    """The process answers."""

    status: str


class Ready(Document):
    """The process and its database answer."""

    status: str
    database: str
    revision: str
