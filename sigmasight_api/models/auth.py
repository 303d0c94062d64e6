"""Logins, users and personal tokens."""

from __future__ import annotations

import uuid
from datetime import datetime

from pydantic import ConfigDict, Field

from sigmasight_api.models.base import Body, Document


class Login(Document):
    """A login: send `Authorization: Bearer <access_token>`."""

    access_token: str
    token_type: str = Field(description="bearer")
    expires_in: int = Field(description="Seconds that it lasts")


class Me(Document):
    """The caller."""

    id: uuid.UUID
    email: str
    name: str | None
    role: str = Field(description="user or admin")
    n_portfolios: int


class NewToken(Body):
    """A personal token to be made."""

    name: str = Field(min_length=1, max_length=100, description="What to call it")
    expires_at: datetime | None = Field(None, description="When it ends, with a time zone; null: when it is deleted")

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "notebook"}]})


class Token(Document):
    """A personal token, without its secret."""

    id: uuid.UUID
    name: str
    hint: str = Field(description="First characters, to tell it by")
    created_at: datetime
    expires_at: datetime | None


class FreshToken(Token):
    """A personal token with its secret, which is shown this once."""

    token: str
