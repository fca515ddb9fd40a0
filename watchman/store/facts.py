"""Small named values: when the daemon was last alive, what the ledger found usual, which lease is held."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from watchman.store.schema import facts


def get_fact(connection: Connection, name: str) -> Any:
    """The JSON value kept under `name`, or None."""
    text = connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar()
    return None if text is None else json.loads(text)


def set_fact(connection: Connection, name: str, value: Any, now: float) -> None:
    """Keep a JSON value under `name`."""
    row = {"name": name, "value": json.dumps(value), "updated_at": now}
    statement = insert(facts).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=row))
