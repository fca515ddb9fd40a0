"""A year of a real home through the shipped configuration: at most 50 messages, at most 2 of them at night.

The incidents are made after what was measured on recorded homes: the battery at its reserve on 165 nights, most of them
between November and January; grid imports above any of the week before 12 times; a battery that does not charge, data
that is missing, low sun, and what happens seldom, each with the severity and annotations of its shipped rule.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from notify_world import DAY, HOUR, MINUTE

from watchman.config import load_config
from watchman.localtime import local_day
from watchman.notify.dispatch import dispatch
from watchman.notify.message import ActiveAlert
from watchman.notify.plan import DispatchState, Notification
from watchman.rules.rule import Rule
from watchman.series import fingerprint
from watchman.wiring import load_groups, make_routing

CONFIG = load_config(Path(__file__).parents[2] / "config.yaml", {})
ZONE = CONFIG.site.timezone
ROUTING = make_routing(CONFIG, {receiver.name: {"0": "somewhere"} for receiver in CONFIG.receivers})
# Of rules with one name the first is the one for a house where somebody is at home.
RULES = {rule.name: rule for group in reversed(load_groups(CONFIG)[0]) for rule in reversed(group.rules)}
NEW_YEAR = date(2026, 1, 1)
WINTER = (1, 11, 12)
MOST_A_YEAR, MOST_AT_NIGHT = 50, 2


@dataclass(frozen=True)
class Event:
    rule: Rule
    start: float
    end: float

    def alert(self, now: float) -> ActiveAlert:
        labels = {"alertname": self.rule.name, "host": "h", "sn": "1", **self.rule.labels}
        annotations = {key: text for key, text in self.rule.annotations.items() if "{{" not in text}
        over = self.end if self.end <= now else None
        return ActiveAlert(fingerprint(labels), labels, annotations, self.start, over, since=self.start)


def midnight(number: int) -> float:
    return local_day(NEW_YEAR + timedelta(days=number), ZONE)[0]


def year(seed: int) -> list[Event]:
    """165 nights at the reserve as measured in the German home, and everything else that happens in a healthy one."""
    chance = random.Random(seed)
    events: list[Event] = []

    def add(name: str, start: float, lasting: float) -> None:
        events.append(Event(RULES[name], start, start + lasting))

    for number in range(365):
        month = (NEW_YEAR + timedelta(days=number)).month
        share = 0.98 if month in WINTER else 0.75 if month in (2, 10) else 0.06
        if chance.random() < share:
            add("BatteryAtReserve", midnight(number) + chance.uniform(20, 31) * HOUR, chance.uniform(2, 6) * HOUR)
    for number in chance.sample(range(365), 12):
        add("GridImportSpike", midnight(number) + chance.uniform(9, 21) * HOUR, chance.uniform(0.5, 3) * HOUR)
    for number in chance.sample(range(365), 3):
        add("BatteryNotCharging", midnight(number) + chance.uniform(10, 15) * HOUR, chance.uniform(1, 3) * HOUR)
    for number in chance.sample(range(365), 3):
        add("BatteryDataMissing", midnight(number) + chance.uniform(0, 24) * HOUR, chance.uniform(0.5, 3) * HOUR)
    for number in chance.sample(range(365), 2):
        add("BatteryFirmwareChanged", midnight(number) + 2 * HOUR, HOUR)
    for number in chance.sample(range(365), 1):
        add("GridDown", midnight(number) + chance.uniform(0, 24) * HOUR, 40 * MINUTE)
    for number in chance.sample(range(365), 9):
        add("HouseNightLoadHigh", midnight(number) + 5 * HOUR, 20 * HOUR)
    return sorted(events, key=lambda event: event.start)


def live(events: list[Event]) -> list[Notification]:
    """Dispatch at every beginning, at every end, and whenever dispatch asks for it."""
    log, sent = {}, []
    moments = sorted({at for event in events for at in (event.start, event.end)})
    ends: dict[str, list[tuple[float, float]]] = {}

    def last_end(name: str, before: float) -> float | None:
        return max((end for start, end in ends.get(name, []) if start < before), default=None)

    def run(now: float) -> float | None:
        known = [event.alert(now) for event in events if event.start <= now < event.end + 15 * MINUTE]
        state = DispatchState(log=log, last_end=last_end)
        plan = dispatch(now, known, ROUTING, state)
        for key, entry in plan.log.items():
            log.pop(key, None) if entry is None else log.__setitem__(key, entry)
        sent.extend(plan.notifications)
        return plan.next_due

    for event in events:
        name = event.alert(event.start).fingerprint
        ends.setdefault(name, []).append((event.start, event.end))
    for moment, following in zip(moments, [*moments[1:], moments[-1] + 2 * DAY], strict=True):
        due: float | None = moment
        while due is not None and due < following:
            due = run(due)
    assert log == {}, "a year later nothing is open"
    return sent


def at_night(notification: Notification) -> bool:
    return not 7 <= datetime.fromtimestamp(notification.at, ZONE).hour < 22


@pytest.mark.parametrize("seed", range(3))
def test_a_year_of_a_healthy_home_gives_at_most_fifty_messages(seed: int) -> None:
    events = year(seed)
    sent = live(events)
    pushes = [one for one in sent if one.firing]

    nights = Counter(event.rule.name for event in events)["BatteryAtReserve"]
    assert 140 <= nights <= 190
    assert 15 <= len(pushes) <= MOST_A_YEAR, Counter(one.reason.value for one in sent)
    assert len(sent) <= MOST_A_YEAR, Counter((one.reason.value, *(a.name for a in one.firing)) for one in sent)
    # An end comes silently, and on ntfy takes the place of its message.
    assert len([one for one in pushes if at_night(one)]) <= MOST_AT_NIGHT


def test_without_quiet_hours_and_news_it_would_be_hundreds() -> None:
    loud = [
        replace(event, rule=replace(event.rule, annotations={**event.rule.annotations, "news_after": ""}))
        for event in year(0)
    ]

    assert len(live(loud)) > 150
