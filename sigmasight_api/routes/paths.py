"""Path parameters that several sections share."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import Path

OF_CALLER = {"description": "A portfolio of the caller", "examples": ["c1af1b52-35bf-559e-9811-fdbe0382874b"]}
PortfolioId = Annotated[uuid.UUID, Path(**OF_CALLER)]
ThisPortfolio = Annotated[uuid.UUID, Path(alias="id", **OF_CALLER)]
"""The same where the path is the portfolio's own."""
