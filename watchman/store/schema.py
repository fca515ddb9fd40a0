"""Tables, and the migrations that lead to them. Times are unix seconds (float), JSON is text."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
    select,
    text,
    update,
)

from watchman.errors import StoreError

SCHEMA_VERSION = 2

metadata = MetaData()

version = Table("schema_version", metadata, Column("version", Integer, primary_key=True))

facts = Table(
    "facts",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated_at", Float, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("rule_key", String(500), primary_key=True),
    Column("fingerprint", String(16), primary_key=True),
    Column("alert", Text, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("fingerprint", String(16), nullable=False),
    Column("alertname", String(500), nullable=False),
    Column("labels", Text, nullable=False),
    Column("annotations", Text, nullable=False),
    Column("source", String(20), nullable=False),
    Column("started", Float, nullable=False),
    Column("fired", Float, nullable=False),
    Column("ended", Float),
    Column("value", Float),
    Index("incidents_by_alert", "fingerprint", "fired"),
    Index("incidents_by_time", "fired"),
)

notification_log = Table(
    "notification_log",
    metadata,
    Column("group_key", Text, primary_key=True),
    Column("receiver", String(200), primary_key=True),
    Column("entry", Text, nullable=False),
    Column("updated_at", Float, nullable=False),
)

held = Table(
    "held",
    metadata,
    Column("fingerprint", String(16), primary_key=True),
    Column("receiver", String(200), primary_key=True),
    Column("fired", Float, primary_key=True),
    Column("alertname", String(500), nullable=False),
    Column("reason", String(100), nullable=False),
    Column("at", Float, nullable=False),
)

told = Table(
    "told",
    metadata,
    Column("fingerprint", String(16), primary_key=True),
    Column("receiver", String(200), primary_key=True),
    Column("fired", Float, primary_key=True),
    Column("alertname", String(500), nullable=False),
    Column("reason", String(100), nullable=False),
    Column("at", Float, nullable=False),
    Index("told_by_time", "at"),
)

acks = Table(
    "acks",
    metadata,
    Column("fingerprint", String(16), primary_key=True),
    Column("fired", Float, primary_key=True),
    Column("by", String(200), nullable=False),
    Column("at", Float, nullable=False),
)

cases = Table(
    "cases",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("receiver", String(200), nullable=False),
    Column("alerts", Text, nullable=False),
    Column("made_at", Float, nullable=False),
)

orders = Table(
    "orders",
    metadata,
    Column("token", String(200), primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("at", Float, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("receiver", String(200), nullable=False),
    Column("destination", String(64), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("dedup_key", String(300), nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("title", Text, nullable=False),
    Column("reason", String(100), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("not_after", Float),
    Column("attempts", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("finished_at", Float),
    Column("answer", Text, nullable=False),
    # What goes first: 0 critical alerts, 1 other alerts, 2 the rest.
    Column("urgency", Integer, nullable=False, server_default="1"),
    # Messages of one alert group at one destination have one thread; empty for none.
    Column("thread", String(40), nullable=False, server_default=""),
    Column("subjects", Text, nullable=False, server_default=""),
    # When a person had it tried again: the retry schedule begins there.
    Column("retried_at", Float),
    Column("fell_back_at", Float),
    UniqueConstraint("dedup_key"),
    Index("outbox_due", "state", "due_at"),
    Index("outbox_finished", "finished_at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("outbox_id", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("answer", Text, nullable=False),
    Index("deliveries_by_row", "outbox_id"),
    Index("deliveries_by_time", "at"),
)

relayed = Table(
    "relayed",
    metadata,
    Column("group_key", Text, primary_key=True),
    Column("theirs", String(500), primary_key=True),
    Column("receiver", String(200), primary_key=True),
    Column("memory", Text, nullable=False),
    Column("updated_at", Float, nullable=False),
)

reports = Table(
    "reports",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("period_start", Float, primary_key=True),
    Column("created_at", Float, nullable=False),
    Column("report", Text, nullable=False),
)

ledger = Table(
    "ledger",
    metadata,
    Column("site", String(200), primary_key=True),
    Column("start", Integer, primary_key=True),
    Column("flow", String(40), primary_key=True),
    Column("wh", Float, nullable=False),
    Column("measured_s", Float, nullable=False),
    Column("estimated_s", Float, nullable=False),
    Column("peak", Float),
    Column("peak_at", Float),
    Column("low", Float),
    Column("low_at", Float),
    Column("at_reserve_s", Float, nullable=False),
    Column("counter_s", Float, nullable=False, server_default=text("0")),
    # Some 1,400 rows a day for years: without a row id the key is stored once.
    sqlite_with_rowid=False,
)

# Which local days Prometheus was asked for: what it did not know then it need not be asked for at every report.
settled = Table(
    "settled",
    metadata,
    Column("site", String(200), primary_key=True),
    Column("start", Integer, primary_key=True),
    Column("source", String(64), nullable=False),
    Column("until", Float, nullable=False),
    Column("asked_at", Float, nullable=False),
)

silences = Table(
    "silences",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("matchers", Text, nullable=False),
    Column("starts_at", Float, nullable=False),
    Column("ends_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("comment", Text, nullable=False),
)

posted = Table(
    "posted",
    metadata,
    Column("fingerprint", String(16), primary_key=True),
    Column("source", String(20), primary_key=True),
    Column("labels", Text, nullable=False),
    Column("annotations", Text, nullable=False),
    Column("starts_at", Float, nullable=False),
    # None: fires until somebody says otherwise.
    Column("ends_at", Float),
    Column("by_timeout", Integer, nullable=False),
    Column("generator_url", Text, nullable=False),
    Column("updated_at", Float, nullable=False),
    # 1 while its incident is open.
    Column("is_open", Integer, nullable=False),
)

meter_readings = Table(
    "meter_readings",
    metadata,
    Column("site", String(200), primary_key=True),
    Column("counter", String(40), primary_key=True),
    Column("at", Float, primary_key=True),
    Column("kwh", Float, nullable=False),
    Column("new_meter", Integer, nullable=False),
)

# Prices of dynamic tariffs, grid intensity, irradiance: one value per quarter of an hour.
slot_series = Table(
    "slot_series",
    metadata,
    Column("site", String(200), primary_key=True),
    Column("kind", String(40), primary_key=True),
    Column("start", Integer, primary_key=True),
    Column("value", Float, nullable=False),
    sqlite_with_rowid=False,
)

_ADDED_COLUMNS: dict[int, tuple[str, ...]] = {
    2: (
        "ALTER TABLE ledger ADD COLUMN counter_s FLOAT NOT NULL DEFAULT 0",
        "ALTER TABLE outbox ADD COLUMN urgency INTEGER DEFAULT '1' NOT NULL",
        "ALTER TABLE outbox ADD COLUMN thread VARCHAR(40) DEFAULT '' NOT NULL",
        "ALTER TABLE outbox ADD COLUMN subjects TEXT DEFAULT '' NOT NULL",
        "ALTER TABLE outbox ADD COLUMN retried_at FLOAT",
        "ALTER TABLE outbox ADD COLUMN fell_back_at FLOAT",
        "CREATE INDEX deliveries_by_time ON deliveries (at)",
    ),
}
"""By schema: `ALTER TABLE ... ADD COLUMN` for tables that are older than it."""


def _grow(connection: Connection, target: int) -> None:
    """Turn schema `target - 1` into `target`: tables that are new are made as they are now, old ones get columns."""
    metadata.create_all(connection)
    for statement in _ADDED_COLUMNS[target]:
        connection.execute(text(statement))


def migrate(connection: Connection) -> None:
    """Bring the store to this version's schema; refuse one that a newer watchman wrote."""
    version.create(connection, checkfirst=True)
    found = connection.execute(select(version.c.version)).scalar()
    if found is None:
        metadata.create_all(connection)
        connection.execute(insert(version).values(version=SCHEMA_VERSION))
        return
    if found > SCHEMA_VERSION:
        raise StoreError(
            f"the state was written by a newer watchman (schema {found}, this one knows {SCHEMA_VERSION}):"
            " run that version or restore a backup"
        )
    for target in range(found + 1, SCHEMA_VERSION + 1):
        _grow(connection, target)
        connection.execute(update(version).values(version=target))
