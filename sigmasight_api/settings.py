"""Settings of the API: those of the deployment, and its own."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from pydantic import Field, SecretStr

from sigmasight_assets.errors import SigmaSightError
from sigmasight_assets.settings import Settings

SHORTEST_SECRET = 32


class ApiSettings(Settings):
    """`SIGMASIGHT_*`, as for the assets."""

    jwt_secret: SecretStr = SecretStr("")
    """Signs login tokens; empty: made on first start in development, refused in production."""
    login_minutes: int = Field(60, ge=1, le=24 * 60)
    """How long a login lasts."""
    rate_limit: int = Field(100, ge=1)
    """Requests a minute of one user."""
    rate_limit_anonymous: int = Field(20, ge=1)
    """Requests a minute of one network address before it is known whose they are."""
    redis_url: SecretStr = SecretStr("")
    """Where rate limits are counted when several processes serve; empty: in the process."""
    cors_origins: tuple[str, ...] = ()
    """Origins of frontends that browsers may call from, as JSON (`["http://127.0.0.1:5173"]`)."""
    api_threads: int = Field(4, ge=1, le=64)
    """Requests that are worked on at once, and database connections."""
    api_cache_mb: int = Field(64, ge=0)
    """Answers kept until the database changes; 0 keeps none."""
    api_body_mb: int = Field(10, ge=1)
    """Largest request body."""
    dagster_webserver: str = ""
    """`host:port` of the Dagster web server that batches are handed to; empty: a process of the API runs them."""
    run_operations: bool = True
    """Whether this server carries operations out; without it another one on the same database has to."""
    warm_worker: bool = True
    """Whether that process is started with the server, so that the first run need not wait for the assets to load."""


def signing_secret(settings: ApiSettings) -> str:
    """The secret that signs login tokens; in development one is made on first start, readable by its owner alone.

    Raises
    ------
    SigmaSightError
        In production without a secret, or for one that is too short to sign with.
    """
    secret = settings.jwt_secret.get_secret_value()
    if secret:
        if len(secret) < SHORTEST_SECRET:
            raise SigmaSightError(f"SIGMASIGHT_JWT_SECRET: expected at least {SHORTEST_SECRET} characters, was {len(secret)}.")
        return secret
    if settings.environment == "production":
        raise SigmaSightError('SIGMASIGHT_JWT_SECRET is needed in production: python -c "import secrets; print(secrets.token_urlsafe(48))"')
    return _kept_secret(settings.state_dir / "jwt_secret")


def _kept_secret(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="ascii")
