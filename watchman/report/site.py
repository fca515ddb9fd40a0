"""What a report must know of a home beside its energies: settings, alerts of the period, messages sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from watchman.energy.account import Plant
from watchman.energy.slots import Role
from watchman.energy.tariff import Prices, Tariff

SECTIONS = ("chart", "story", "bars", "alerts", "compare")


@dataclass(frozen=True, slots=True)
class Site:
    """Settings of one home. `roles` are the configured ones; `tariff` is None where no price is configured.

    `peak_w` is that of the whole roof, `co2` the grid's intensity in g/kWh.
    """

    name: str
    timezone: str
    roles: tuple[Role, ...]
    capacity_wh: float | None = None
    reserve_percent: float | None = None
    tariff: Tariff | None = None
    peak_w: float | None = None
    co2: tuple[Prices, ...] = ()
    sections: tuple[str, ...] = SECTIONS
    external_url: str = ""

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def plant(self) -> Plant:
        """What the figures must know."""
        return Plant(self.zone, self.roles, self.capacity_wh, self.peak_w, self.tariff, self.co2)

    @property
    def title(self) -> str:
        """The name as a sentence begins with it."""
        return self.name[:1].upper() + self.name[1:]


@dataclass(frozen=True, slots=True)
class Incident:
    """One firing of an alert, unix seconds; `ended` is None while it fires, `held` says why nobody was told, if so."""

    alertname: str
    labels: Mapping[str, str]
    started: float
    ended: float | None
    annotations: Mapping[str, str] = field(default_factory=dict)
    held: str = ""

    @property
    def severity(self) -> str:
        """The label, `warning` where there is none."""
        return self.labels.get("severity", "warning")

    @property
    def summary(self) -> str:
        """One line for people: the summary annotation, else the alert's name."""
        return self.annotations.get("summary") or self.alertname

    def duration_s(self, now: float) -> float:
        """How long it fired, up to `now` if it still does."""
        return max(0.0, (now if self.ended is None else self.ended) - self.started)


@dataclass(frozen=True, slots=True)
class Told:
    """A message somebody was sent: when (unix s) and its title."""

    at: float
    title: str
