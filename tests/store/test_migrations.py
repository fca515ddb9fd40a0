"""A state that an earlier release wrote is brought to today's schema, and nothing in it is lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from watchman.store import open_store
from watchman.store.schema import SCHEMA_VERSION

SCHEMAS = Path(__file__).parent / "schemas"
RELEASED = sorted(SCHEMAS.glob("*.sql"), key=lambda file: int(file.stem))


def _columns(file: Path) -> dict[str, set[tuple[str, str, int, int]]]:
    """By table: name, type, not null, primary key of each column."""
    with closing(sqlite3.connect(file)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            table: {(row[1], row[2], row[3], row[5]) for row in connection.execute(f"PRAGMA table_info({table})")}
            for table in tables
        }


def _indexes(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}


def _rows(file: Path, tables: list[str]) -> dict[str, int]:
    with closing(sqlite3.connect(file)) as connection:
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


def _older(folder: Path, dump: Path) -> Path:
    file = folder / "older.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(dump.read_text())
    return file


def test_every_earlier_schema_has_a_dump_here() -> None:
    assert [int(file.stem) for file in RELEASED] == list(range(1, SCHEMA_VERSION))


@pytest.mark.parametrize("dump", RELEASED, ids=lambda file: f"schema {file.stem}")
def test_an_older_state_becomes_what_a_new_one_is(tmp_path: Path, dump: Path) -> None:
    older = _older(tmp_path, dump)
    fresh = tmp_path / "fresh.sqlite"
    for file in (older, fresh):
        open_store(f"sqlite:///{file}").close()
    assert _columns(older) == _columns(fresh)
    assert _indexes(older) == _indexes(fresh)


@pytest.mark.parametrize("dump", RELEASED, ids=lambda file: f"schema {file.stem}")
def test_a_migration_keeps_every_row_and_is_done_once(tmp_path: Path, dump: Path) -> None:
    older = _older(tmp_path, dump)
    tables = list(_columns(older))
    before = _rows(older, tables)
    for _ in range(2):
        open_store(f"sqlite:///{older}").close()
    assert _rows(older, tables) == before
    assert sum(before.values()) > 5
