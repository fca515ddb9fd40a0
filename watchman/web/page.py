"""What the status page says, as plain values for its template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from watchman.notify.message import ActiveAlert

STALE_AFTER_S = 120.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One line of the delivery log: what was sent to whom, and how it went."""

    at: float
    receiver: str
    title: str
    state: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of home and daemon at one instant. Powers in W by role, None where nothing fresh is known.

    `data_at` is the age mark of the youngest sample, unix seconds. `held_there`: what an Alertmanager holds back, and
    why, by fingerprint.
    """

    site: str
    zone: ZoneInfo
    now: float
    roles: Mapping[str, float | None]
    data_at: float | None
    firing: Sequence[ActiveAlert] = ()
    pending: Sequence[tuple[str, float]] = ()
    deliveries: Sequence[Delivery] = ()
    problems: Sequence[str] = ()
    learning: Sequence[str] = ()
    held_there: Mapping[str, str] = field(default_factory=dict)
    rules: int = 0
    failing_rules: Sequence[tuple[str, str]] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Flow:
    """One box of the picture of flows."""

    name: str
    value: str
    note: str


def verdict(view: Overview) -> str:
    """The one line on top: all well, or the worst thing."""
    rank = {"critical": 0, "warning": 1, "notice": 2}
    worst = sorted(view.firing, key=lambda alert: (rank.get(alert.labels.get("severity", ""), 1), alert.starts_at))
    urgent = [alert for alert in worst if alert.labels.get("severity") != "info"]
    if urgent:
        return urgent[0].annotations.get("summary") or urgent[0].name
    if view.problems:
        # The detail stands below.
        return view.problems[0].partition(": ")[0]
    return "All well"


def flows(view: Overview) -> list[Flow]:
    """Sun, house, battery and grid in words a family reads."""
    production, consumption = view.roles.get("production"), view.roles.get("consumption")
    feed_in, discharge = view.roles.get("grid_feed_in"), view.roles.get("battery_discharge")
    charge = view.roles.get("state_of_charge")
    return [
        Flow("Sun", kilowatts(production), ""),
        Flow("House", kilowatts(consumption), ""),
        Flow("Battery", "unknown" if charge is None else f"{charge:.0f} %", _direction(discharge, "gives", "takes")),
        Flow("Grid", kilowatts(feed_in), _direction(feed_in, "sells", "buys", with_value=False)),
    ]


def kilowatts(watts: float | None) -> str:
    """`4.6 kW`, `190 W`, or the word for a value that is not known."""
    if watts is None:
        return "unknown"
    return f"{abs(watts):.0f} W" if abs(watts) < 995 else f"{abs(watts) / 1000:.1f} kW"


def data_age(view: Overview) -> str:
    """How old the shown values are, in words."""
    if view.data_at is None:
        return "is missing"
    seconds = max(0, round(view.now - view.data_at))
    return f"{seconds} s ago" if seconds < 120 else f"{seconds // 60} min ago"


def is_stale(view: Overview) -> bool:
    """True if the values are too old to be believed."""
    return view.data_at is None or view.now - view.data_at > STALE_AFTER_S


def local_clock(view: Overview, ts: float) -> str:
    """`14:02` today, `Sat 21 Nov 14:02` otherwise."""
    moment, today = datetime.fromtimestamp(ts, view.zone), datetime.fromtimestamp(view.now, view.zone)
    if moment.date() == today.date():
        return f"{moment:%H:%M:%S}"
    return f"{moment:%a} {moment.day} {moment:%b %H:%M}"


def _direction(watts: float | None, positive: str, negative: str, *, with_value: bool = True) -> str:
    if watts is None or abs(watts) < 50:
        return "idle" if watts is not None else ""
    word = positive if watts > 0 else negative
    return f"{word} {kilowatts(watts)}" if with_value else word
