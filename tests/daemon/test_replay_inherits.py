"""What decides in the daemon decides in a replay: quiet hours, ladder, escalation, flapping, maintenance, away."""

from __future__ import annotations

from collections import Counter

from world import Recorded, World

from watchman.book import as_active
from watchman.notify.plan import HoldReason
from watchman.replay import Ports, replay
from watchman.replaying import make_setting
from watchman.rules.slots import slot_at, slot_offset
from watchman.store import notices

TICKS = 160
EVERY = 10
CONFIG = """\
prometheus: {url: "http://127.0.0.1:9", max_rules_per_query: 1}
site: {name: home, timezone: Europe/Berlin, away: true}
rule_files: [rules.yaml]
receivers:
  - {name: phone, apprise: ["ntfy://127.0.0.1:9/home"], quiet_hours: {start: "22:00", end: "07:00"}}
  - {name: partner, apprise: ["ntfy://127.0.0.1:9/partner"]}
  - {name: neighbour, apprise: ["ntfy://127.0.0.1:9/neighbour"]}
route:
  receiver: phone
  group_by: [alertname]
  group_wait: 0s
  group_interval: 5m
  repeat_interval: [30m, 2h]
  routes:
    - {matchers: ['alertname="Hot"'], escalate: [{after: 45m, receiver: partner}]}
    - {matchers: ['alertname="Quiet"'], digest_only: true}
maintenance:
  - name: cleaning
    matchers: ['alertname="Kept"']
    time_intervals: [{times: [{start_time: "16:00", end_time: "18:00"}]}]
flapping: {starts: 3, within: 2h}
away: {also_tell: [neighbour], sign_of_life: []}
"""
SEVERITIES = {"Hot": "critical", "Warm": "warning", "Night": "warning", "Comes": "warning", "Quiet": "warning"}
SEVERITIES |= {"Kept": "warning", "Small": "info"}
# The local time of slot 0 is about a quarter to three in the afternoon.
SLOTS = {
    "Hot": [*range(6, 30), *range(70, 74)],
    "Warm": [*range(2, 40)],
    "Night": [*range(60, 63), *range(80, 120)],
    "Comes": [3, 5, 7, 9, 11, 40],
    "Quiet": [*range(4, 9)],
    "Kept": [*range(10, 30)],
    "Small": [*range(4, 9)],
}


def rules():
    lines = ["groups:", "  - name: g", f"    interval: {EVERY}m", "    rules:"]
    for name, severity in SEVERITIES.items():
        lines.append(f"      - {{alert: {name}, expr: {name.lower()} > 0, labels: {{severity: {severity}}}}}")
    return "\n".join(lines) + "\n"


def test_what_decides_in_the_daemon_decides_in_a_replay(tmp_path):
    world = World(tmp_path, CONFIG, rules())
    world.prometheus = Recorded()
    group = world.context.wiring.groups[0]
    world.start = slot_at(1_000_000.0, group.interval_s, slot_offset(group.key, group.interval_s))
    for name, slots in SLOTS.items():
        world.prometheus.values[f"{name.lower()} > 0"] = {world.minute(EVERY * slot): 1.0 for slot in slots}
    world.clock.at = world.start - 30
    world.restart()
    for slot in range(TICKS):
        world.tick(EVERY * slot)

    wiring = world.context.wiring
    ports = Ports(wiring.prometheus.matrix, wiring.prometheus.query, wiring.expand, as_active, wiring.render)
    start, end = world.start - 1, world.clock.at + 1
    done = replay(make_setting(wiring, wiring.groups, start, end, ports), ports)

    told = [(one.notification.receiver, one.message.title) for one in done.told]
    assert Counter(told) == Counter(world.messages())
    with world.context.store.begin() as connection:
        held = notices.held_between(connection, 0, 1e12)
    lived = Counter((one.receiver, one.fingerprint, one.reason) for one in held)
    assert Counter((one.held.receiver, one.held.fingerprint, one.held.reason) for one in done.kept_back) == lived
    # The day had something of each.
    reasons = {one.held.reason for one in done.kept_back}
    assert {HoldReason.QUIET_HOURS, HoldReason.MAINTENANCE, HoldReason.DIGEST_ONLY, HoldReason.FLAPPING} <= reasons
    assert {"partner", "neighbour"} <= {receiver for receiver, _ in told}
    assert any("lapping" in title for _, title in told)
    world.context.store.close()
