"""Path parameters that several sections share."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import Path

PortfolioId = Annotated[uuid.UUID, Path(description="A portfolio of the caller", examples=["c1af1b52-35bf-559e-9811-fdbe0382874b"])]
