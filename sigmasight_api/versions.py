"""Optimistic concurrency: the version of a resource, and `If-Match` on what changes it.

The entity tag of a resource that can be changed has two parts, `"version-body"`. The version is of what its owner stated, the body's part
of the whole answer; `If-Match` compares the version alone, so that numbers that were computed anew refuse nobody's change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Header

from sigmasight_api.errors import Problem

_SIZE = 12

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="The `ETag` of the resource as it was read: a change since then refuses the request (412)"),
]


@dataclass(frozen=True)
class Versioned:
    """A document, and the version of the resource that it shows."""

    document: Mapping[str, Any]
    version: str

    def entity_tag(self, body: bytes) -> str:
        return f'"{self.version}-{hashlib.blake2b(body, digest_size=_SIZE).hexdigest()}"'


def version_of(facts: Mapping[str, Any]) -> str:
    """The version of a resource: equal facts, equal text."""
    text = "\n".join(f"{name}={facts[name]}" for name in sorted(facts))
    return hashlib.blake2b(text.encode(), digest_size=_SIZE).hexdigest()


def tag_of(facts: Mapping[str, Any]) -> str:
    """The entity tag that an answer to a write gives: of the version alone."""
    return f'"{version_of(facts)}"'


def require_version(if_match: str | None, facts: Mapping[str, Any], what: str) -> None:
    """Refuse a change of something that is not any more what the client read.

    Raises
    ------
    Problem
        412 where none of the tags of `If-Match` is of the resource as it stands.
    """
    if if_match is None:
        return
    tags = [tag.strip() for tag in if_match.split(",")]
    current = version_of(facts)
    if not any(tag == "*" or (tag.startswith('"') and tag.strip('"').partition("-")[0] == current) for tag in tags):
        raise Problem(412, "changed", f"The {what} has changed since it was read: read it again, then repeat the change.")
