"""What was passed on of the groups that Alertmanagers told: one row for each group and receiver."""

from __future__ import annotations

import json

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from watchman.notify.dedup import LogEntry
from watchman.notify.outbox import log_entry_from_json, log_entry_to_json
from watchman.notify.relay import GroupKey, GroupMemory
from watchman.store.schema import relayed


def load(connection: Connection) -> dict[GroupKey, GroupMemory]:
    """Every group of which something is open."""
    rows = connection.execute(select(relayed).order_by(relayed.c.updated_at))
    return {GroupKey(row.group_key, row.theirs, row.receiver): _memory(row.memory) for row in rows}


def known(connection: Connection) -> set[str]:
    """Fingerprints of all that is open or waits in the groups."""
    return {one.fingerprint for memory in load(connection).values() for one in (*memory.told, *memory.waiting)}


def save(connection: Connection, key: GroupKey, memory: GroupMemory, now: float) -> None:
    """Replace what is remembered of a group; one of which nothing is open is forgotten."""
    if not memory.told and not memory.waiting:
        same = (
            (relayed.c.group_key == key.group) & (relayed.c.theirs == key.theirs) & (relayed.c.receiver == key.receiver)
        )
        connection.execute(delete(relayed).where(same))
        return
    row = {
        "group_key": key.group,
        "theirs": key.theirs,
        "receiver": key.receiver,
        "memory": _text(memory),
        "updated_at": now,
    }
    statement = insert(relayed).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["group_key", "theirs", "receiver"], set_=row))


def _text(memory: GroupMemory) -> str:
    told = log_entry_to_json(LogEntry(memory.told, memory.sent_at, memory.repeats))
    waiting = log_entry_to_json(LogEntry(memory.waiting, 0.0))
    return json.dumps({"labels": dict(memory.labels), "told": told, "waiting": waiting})


def _memory(text: str) -> GroupMemory:
    fields = json.loads(text)
    entry = log_entry_from_json(fields["told"])
    waiting = log_entry_from_json(fields["waiting"]).told
    return GroupMemory(fields["labels"], entry.told, waiting, entry.sent_at, entry.repeats)
