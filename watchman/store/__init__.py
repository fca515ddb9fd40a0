"""The state that survives: one SQLite file, versioned, safe against power cuts.

`open_store` gives a Store; `with store.begin() as connection` is one transaction, and what it holds is on the disk when
the block has ended. The modules of this package are plain functions over such a connection, so that a caller decides
what happens together: alert states with their incidents, outbox rows with the notification log.
"""

from watchman.store.database import Store, open_store

__all__ = ["Store", "open_store"]
