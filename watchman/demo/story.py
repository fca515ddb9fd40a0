"""What the demo waits for, what it saw and when, and whether the digest's figures are true. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from watchman.demo.mail import Mail
from watchman.demo.push import Push
from watchman.sonnen.simulator import Energy

ALERT = "GridDown"
_PNG = b"\x89PNG\r\n\x1a\n"
_ROWS = {
    "Sun": "production_wh",
    "House": "consumption_wh",
    "Bought": "grid_import_wh",
    "Sold": "grid_export_wh",
    "Into battery": "battery_charge_wh",
    "Out of battery": "battery_discharge_wh",
}
_ROW = re.compile(rf"^({'|'.join(_ROWS)})\s+(\d+(?:\.\d+)?)\b", re.MULTILINE)

# What has to be seen, in the order it is told, and what to say of it when it was not.
STEPS = {
    "cut": "the grid was never cut",
    "pending": f"{ALERT} never went pending",
    "firing": f"{ALERT} never fired",
    "push": "no push about the power cut reached the phone",
    "alertmanager": f"{ALERT} never reached the Alertmanager",
    "digest": "yesterday's digest did not arrive by mail with its chart",
}


@dataclass(slots=True)
class Story:
    """When each thing was first seen, unix seconds by the names of STEPS, and `back` for the power's return."""

    seen: dict[str, float] = field(default_factory=dict)

    def note(self, step: str, ts: float) -> bool:
        """Remember the first time; True if this was it."""
        if step in self.seen:
            return False
        self.seen[step] = ts
        return True

    def missing(self) -> list[str]:
        """What did not happen, in words."""
        return [words for step, words in STEPS.items() if step not in self.seen]

    def complete(self) -> bool:
        """Has everything happened, the return of the power too?"""
        return not self.missing() and "back" in self.seen

    def told(self) -> bool:
        """Does everybody know of the power cut?"""
        return {"firing", "push", "alertmanager"} <= self.seen.keys()

    def line(self, clock: Callable[[float], str]) -> str:
        """`cut 19:02:11, pending 19:02:19, ...`, in the order of time."""
        return ", ".join(f"{step} {clock(ts)}" for step, ts in sorted(self.seen.items(), key=lambda item: item[1]))


@dataclass(frozen=True, slots=True)
class Figure:
    """An energy as the mail tells it and as it truly was, in kWh."""

    name: str
    told_kwh: float
    true_kwh: float

    @property
    def right(self) -> bool:
        """Within half a percent, beside the rounding to a tenth of a kWh."""
        return abs(self.told_kwh - self.true_kwh) <= 0.005 * self.true_kwh + 0.05

    def __str__(self) -> str:
        return f"{self.name} {self.told_kwh:.1f} kWh (truly {self.true_kwh:.2f}){'' if self.right else ' WRONG'}"


def alert_states(answer: Mapping[str, object]) -> set[str]:
    """The states in which the alert is, of an answer of /api/v1/alerts."""
    data = answer.get("data")
    alerts = data.get("alerts") if isinstance(data, dict) else None
    found = [alert for alert in alerts or () if alert.get("labels", {}).get("alertname") == ALERT]
    return {str(alert.get("state")) for alert in found}


def in_alertmanager(alerts: Iterable[Mapping[str, Mapping[str, str]]]) -> bool:
    """Is the alert among those of an answer of /api/v2/alerts?"""
    return any(alert.get("labels", {}).get("alertname") == ALERT for alert in alerts)


def is_about_the_cut(push: Push) -> bool:
    """Does the push tell of the power cut, and not of its end?"""
    words = f"{push.title} {push.message}".lower()
    return "power cut" in words or ALERT.lower() in words


def is_digest(mail: Mail) -> bool:
    """A mail with a table of energies in its text and a real picture in its HTML."""
    return bool(_ROW.search(mail.text)) and any(picture.content.startswith(_PNG) for picture in mail.shown())


def figures(mail: Mail, truth: Energy) -> list[Figure]:
    """The day's energies of the text part beside the truth; those that the mail lacks count as 0."""
    told = {name: float(number) for name, number in _ROW.findall(mail.text)}
    return [Figure(name, told.get(name, 0.0), getattr(truth, field_) / 1000) for name, field_ in _ROWS.items()]


def find_digest(mails: Iterable[Mail]) -> Mail | None:
    """The first digest among the mails."""
    return next(filter(is_digest, mails), None)


def faults(told: Story, digest: Mail | None, truth: Energy) -> list[str]:
    """Everything that is missing or wrong, in words; empty if the demo showed what it promises."""
    wrong = [figure for figure in figures(digest, truth) if not figure.right] if digest else []
    return told.missing() + [f"the digest is wrong: {figure}" for figure in wrong]


def clock_in(zone: tzinfo) -> Callable[[float], str]:
    """The time of day there, for an instant in unix seconds."""
    return lambda ts: f"{datetime.fromtimestamp(ts, zone):%H:%M:%S}"
