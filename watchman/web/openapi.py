"""The OpenAPI document of page and API. It is written by hand in static/openapi.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parent / "static" / "openapi.yaml"


def document() -> dict[str, Any]:
    """The document as JSON has it; read anew each time, which is seldom."""
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return loaded
