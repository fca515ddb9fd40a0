"""A worker's world for tests: a ledger in a dict, samples of a drawn day."""

from __future__ import annotations

from collections.abc import Collection

from watchman.energy.settle import Memory
from watchman.energy.slots import Asked, Slot
from watchman.errors import QueryError
from watchman.ports import Ports
from watchman.series import Series


class Store:
    """Ledger rows in a dict."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, str], Slot] = {}
        self.asked: dict[int, Asked] = {}

    def read(self, start: float, end: float, flows: Collection[str] = ()) -> list[Slot]:
        return [s for s in self.rows.values() if start <= s.start < end and (not flows or s.flow in flows)]

    def write(self, slots: list[Slot]) -> None:
        self.rows.update({(slot.start, slot.flow): slot for slot in slots})

    def asked_before(self, start: float, end: float) -> dict[int, Asked]:
        return {at: asked for at, asked in self.asked.items() if start <= at < end}

    def remember(self, asked: Asked) -> None:
        self.asked[asked.start] = asked


def no_range(expr: str, start: float, end: float, step_s: float) -> list[Series]:
    raise QueryError(f"{expr} is a plain selector", "bad_query")


def ports_of(home, store: Store | None = None, **changes: object) -> Ports:
    store = store or Store()
    known = {
        "site": home.site,
        "roles": {role: f"home_{role.value}" for role in home.site.roles},
        "fetch_raw": home.fetch_raw,
        "fetch_range": no_range,
        "read_slots": store.read,
        "write_slots": store.write,
        "memory": Memory(store.asked_before, store.remember),
        "incidents": lambda start, end: [],
        "told": lambda start, end: [],
        "now": lambda: home.midnight + 86400 + 7 * 3600,
    }
    return Ports(**(known | changes))


def job(home, *formats: str) -> dict[str, object]:
    return {"kind": "report", "period": "day", "date": home.day.isoformat(), "formats": list(formats)}
