"""Opening the database: pragmas, transactions, the lock that keeps a second daemon out."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from watchman.errors import StoreError
from watchman.store.schema import migrate

BUSY_TIMEOUT_S = 5
"""Shorter than the 10 s that Prometheus and Alertmanager wait for an answer: they are to hear that it is locked."""


class Store:
    """An open state. Threads share it; each transaction has its own connection."""

    def __init__(self, engine: Engine, path: Path | None) -> None:
        self._engine = engine
        self._lock_file: IO[str] | None = None
        self.path = path

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises. Raises StoreError."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StoreError(_explain(error, self.path)) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads: it sees the last commit and waits for no writer. Raises StoreError."""
        try:
            with self._engine.execution_options(only_reads=True).begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StoreError(_explain(error, self.path)) from error

    def lock(self) -> bool:
        """Take the daemon's lock on the file; False if another process of this machine holds it."""
        if self.path is None or self._lock_file is not None:
            return True
        try:
            file = self.path.with_name(self.path.name + ".lock").open("a+")
        except OSError as error:
            raise StoreError(f"the lock of {self.path} cannot be made: {error.strerror}; check the owner") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._lock_file = file
        return True

    def copy_to(self, file: Path) -> int:
        """Write a consistent copy that only its owner can read; returns its bytes. Raises StoreError, OSError."""
        assert self.path is not None, "only a state in a file can be copied"
        file.touch(mode=0o600, exist_ok=False)
        try:
            with closing(sqlite3.connect(self.path)) as ours, closing(sqlite3.connect(file)) as copy:
                ours.backup(copy)
        except sqlite3.Error as error:
            file.unlink(missing_ok=True)
            raise StoreError(f"the state {self.path} cannot be copied: {error}") from error
        return file.stat().st_size

    def close(self) -> None:
        """Close every connection and give the lock back."""
        self._engine.dispose()
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None


def open_store(url: str) -> Store:
    """Open (and create or migrate) the state at an SQLAlchemy URL such as `sqlite:////data/watchman.sqlite`."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(f"state.url is no database URL: {error}; try sqlite:////data/watchman.sqlite") from error
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(f"state.url: only sqlite is supported, got {parsed.get_backend_name()}")
    path = Path(parsed.database) if parsed.database and parsed.database != ":memory:" else None
    if path is not None:
        _make_private(path)
    engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin_immediate)
    store = Store(engine, path)
    try:
        with store.begin() as connection:
            migrate(connection)
    except StoreError:
        store.close()
        raise
    return store


def _set_pragmas(connection: Any, _record: object) -> None:
    # The driver must not open transactions by itself: BEGIN IMMEDIATE below takes the write lock at once, so two
    # processes never dead-lock half way. synchronous=FULL: a power cut is when this state is needed most.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "journal_size_limit=16777216"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    only_reads = connection.get_execution_options().get("only_reads", False)
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


def _make_private(path: Path) -> None:
    """The file and its folder, if they are not there: what a home does is nobody else's to read."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        raise StoreError(f"the state {path} cannot be made: {error.strerror}; check path, owner and mount") from error


def _explain(error: SQLAlchemyError, path: Path | None) -> str:
    """One line: what is wrong with the state and what mends it."""
    text = str(getattr(error, "orig", None) or error).splitlines()[0]
    mends = {
        "locked": "another process holds it; end that or wait",
        "full": "the disk is full; free some space",
        "readonly": "it cannot be written; check owner and mount",
        "read-only": "it cannot be written; check owner and mount",
        "unable to open": "it cannot be opened; check the path, owner and mount",
        "malformed": "the file is damaged; restore a backup",
        "not a database": "the file is no watchman state; check state.url",
    }
    mend = next((mend for word, mend in mends.items() if word in text), "see the log with --debug")
    return f"the state {path or 'in memory'}: {text}: {mend}"
