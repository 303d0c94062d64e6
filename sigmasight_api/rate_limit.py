"""How many requests a minute a user, or an address that nobody knows yet, may make: a moving window of the `limits` package."""

from __future__ import annotations

import time
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.aio.storage import Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.storage import storage_from_string

from sigmasight_api.errors import Problem
from sigmasight_api.settings import ApiSettings


@dataclass(frozen=True)
class Allowance:
    """What is left in the window, as the `RateLimit-*` headers say it."""

    limit: int
    remaining: int
    seconds: int

    @property
    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.seconds),
        }


class RateLimits:
    """Counters in this process, or in Redis where several processes serve."""

    def __init__(self, settings: ApiSettings) -> None:
        redis = settings.redis_url.get_secret_value()
        storage = storage_from_string(f"async+{redis}", implementation="redispy") if redis else storage_from_string("async+memory://")
        assert isinstance(storage, Storage)
        self._window = MovingWindowRateLimiter(storage)
        self._user = RateLimitItemPerMinute(settings.rate_limit, namespace="user")
        self._address = RateLimitItemPerMinute(settings.rate_limit_anonymous, namespace="address")

    async def count_user(self, key: str) -> Allowance:
        """Count a request of a user; 429 where there are too many."""
        return await self._count(self._user, key)

    async def count_address(self, address: str) -> Allowance:
        """Count a request from an address that has not said whose it is."""
        return await self._count(self._address, address)

    async def _count(self, item: RateLimitItemPerMinute, key: str) -> Allowance:
        is_allowed = await self._window.hit(item, key)
        reset, remaining = await self._window.get_window_stats(item, key)
        allowance = Allowance(item.amount, remaining, max(0, round(reset - time.time())))
        if is_allowed:
            return allowance
        wait = max(1, allowance.seconds)
        raise Problem(
            429,
            "too_many_requests",
            f"More than {item.amount} requests in a minute: wait {wait} seconds.",
            headers={"Retry-After": str(wait), **allowance.headers},
        )
