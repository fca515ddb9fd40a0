"""The same rule files on the same data at 1 s in a real Prometheus and in the running watchman, told apart by nothing.

Both evaluate every second but at different instants, so what is compared is what each alert went through: the states
with value, labels and texts in their order, and when an episode began, to two intervals.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from pathlib import Path

import pytest
import yaml
from likeness import Ears, Thing, Watcher, get
from servers import wait_for

from watchman.rules.builtin import BUILT_IN_GROUP

pytestmark = pytest.mark.integration

RULES = Path(__file__).with_name("likeness_rules.yaml")
RESEND_S = 3
PHASE_S = 5.5
ROOMS = ("kitchen", "bath")
# What the thing says in each phase: heat of kitchen and bath, guest, weird. None: no such series.
PHASES = [
    (20, 20, 1, "1"),
    (60, 20, 1, "NaN"),
    (60, 80, None, "5"),
    (55, None, None, "+Inf"),
    (20, 20, 3, "-Inf"),
    (90, 20, 3, "0.25"),
    (20, 20, None, "1"),
    (20, 65, None, "1234567"),
    (20, 20, 1, "1"),
]


def text(kitchen, bath, guest, weird):
    lines = [f'heat{{room="{room}"}} {value}' for room, value in zip(ROOMS, (kitchen, bath), strict=True) if value]
    if guest is not None:
        lines.append(f'guest{{room="attic"}} {guest}')
    return "\n".join([*lines, f"weird {weird}", ""])


@pytest.fixture
def pair(tmp_path, run_prometheus, make_daemon):
    """Thing, Prometheus, daemon and what each told its Alertmanager, on one set of rules."""
    thing, theirs, ours = Thing(), Ears(), Ears()
    thing.text = text(*PHASES[0])
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES.read_text())
    server = run_prometheus(
        config={
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s", "external_labels": {"site": "home"}},
            "rule_files": [str(rules)],
            "scrape_configs": [{"job_name": "thing", "static_configs": [{"targets": [thing.address]}]}],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [theirs.address]}]}]},
        },
        args=[f"--rules.alert.resend-delay={RESEND_S}s"],
    )
    extra = (
        f'external_labels: {{site: home}}\nresend_delay: {RESEND_S}s\nalertmanager: {{urls: ["http://{ours.address}"]}}'
    )
    daemon = make_daemon(server.url, extra=extra)
    (daemon.folder / "rules.yaml").write_text(RULES.read_text())
    daemon.start()
    yield thing, server, daemon, theirs, ours
    for one in (thing, theirs, ours):
        one.close()


def test_a_minute_of_changing_series_gives_the_same_alerts_texts_errors_and_posts(pair):
    thing, server, daemon, theirs, ours = pair
    watchers = [Watcher(server.url), Watcher(f"http://127.0.0.1:{daemon.port}")]
    wait_for(lambda: all(settled(watcher) for watcher in watchers), what="both to evaluate")
    for watcher in watchers:
        watcher.alerts.clear()
    began_at = []
    for phase in PHASES:
        began_at.append(time.time())
        thing.text = text(*phase)
        end = time.monotonic() + PHASE_S
        while time.monotonic() < end:
            for watcher in watchers:
                watcher.look()
            time.sleep(0.2)

    prometheus, watchman = watchers
    assert lives(watchman) == lives(prometheus)
    assert sum(map(len, lives(prometheus).values())) > 120, "what was compared is hardly anything"
    for key, seen in prometheus.alerts.items():
        begun = zip(seen, watchman.alerts[key], strict=True)
        # What was active before has the instant at which each server first looked.
        apart = [abs(one[1] - other[1]) for one, other in begun if one[1] and one[1] > began_at[1]]
        assert max(apart, default=0.0) <= 2.0, key
    assert errors(watchman) == errors(prometheus)
    compare_shapes(server, daemon)
    compare_series(server, daemon)
    # What fired at the start is left out: Prometheus drops posts until it has found its Alertmanager.
    compare_posts(*(ears.by_alert(since=began_at[1]) for ears in (theirs, ours)))


def settled(watcher):
    """True when every rule was evaluated and the first phase's alerts are there."""
    watcher.look()
    return watcher.rules and all(seen[-1][0][0] != "unknown" for seen in watcher.rules.values())


def lives(watcher):
    """What each alert went through."""
    return {key: [what for what, _ in seen] for key, seen in watcher.alerts.items()}


def errors(watcher):
    """The errors of each rule in order, each once; watchman puts the server's name before the server's own words."""
    found = {}
    for key, seen in watcher.rules.items():
        texts = (re.sub(r"^Prometheus at \S+ says: (execution: )?", "", error)[:250] for (_, error), _ in seen if error)
        found[key] = list(dict.fromkeys(re.sub(r"\d{13}", "", text).removesuffix("...") for text in texts))
    return found


def compare_shapes(server, daemon):
    """Keys and types of both answers, field for field."""
    for path in ("rules", "alerts"):
        theirs = get(f"{server.url}/api/v1/{path}")
        ours = get(f"http://127.0.0.1:{daemon.port}/api/v1/{path}")
        assert shape(ours) == shape(theirs), path
    for kind in ("alert", "record"):
        theirs, ours = (
            get(f"{url}/api/v1/rules?type={kind}")["data"]["groups"]
            for url in (server.url, f"http://127.0.0.1:{daemon.port}")
        )
        assert plain(ours) == plain(theirs)


def shape(value):
    """The types in a JSON document: objects by key, lists by the shapes they hold."""
    if isinstance(value, dict):
        # Labels and annotations are open; the groups of watchman itself have no twin.
        return {key: "texts" if key in ("labels", "annotations") else shape(one) for key, one in value.items()}
    if isinstance(value, list):
        kept = (one for one in value if not (isinstance(one, dict) and is_own(one)))
        return sorted({json.dumps(shape(one), sort_keys=True) for one in kept})
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def is_own(item):
    return item.get("file") == "built-in"


def plain(groups):
    """Groups without alerts, times and places."""
    told_apart = {"alerts", "evaluationTime", "lastEvaluation", "file", "health", "lastError", "state"}
    return [
        {
            **{key: value for key, value in group.items() if key not in told_apart},
            "rules": [{key: value for key, value in rule.items() if key not in told_apart} for rule in group["rules"]],
        }
        for group in groups
        # Prometheus 2.42 also lists groups of which no rule is left.
        if not is_own(group) and group["rules"]
    ]


def compare_series(server, daemon):
    """ALERTS on /metrics are those Prometheus records, in the quiet last phase."""
    recorded = {
        tuple(sorted(one["metric"].items())) for one in get(f"{server.url}/api/v1/query?query=ALERTS")["data"]["result"]
    }
    shown = set()
    for labels in re.findall(r"^ALERTS\{(.*)\} 1\.0$", daemon.get("/metrics"), re.MULTILINE):
        pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels)
        shown.add(tuple(sorted([("__name__", "ALERTS"), *((name, yaml.safe_load(f'"{v}"')) for name, v in pairs)])))
    own = {rule.name for rule in BUILT_IN_GROUP.rules}
    assert {labels for labels in shown if dict(labels)["alertname"] not in own} == recorded


def compare_posts(theirs, ours):
    """Whom is told what: the same alerts, the same periods with their texts; ends and repeats by the same rules."""
    assert set(ours) == set(theirs)
    for key, posts in theirs.items():
        told = periods(ours[key])
        if dict(key)["alertname"] == "Limited":
            # The difference that is meant: what a limit throws away is told as over, Prometheus leaves it hanging.
            hanging = sum(one[0] and other[0] for one, other in itertools.pairwise(periods(posts)))
            assert hanging == (dict(key)["room"] == "kitchen")
            assert len(told) == len(periods(posts)) + hanging
            told = [
                period
                for period in told
                if any(abs(period[2] - one[2]) < 2 and period[0] == one[0] for one in periods(posts))
            ]
        assert [period[:2] for period in told] == [period[:2] for period in periods(posts)], key
        for one, other in zip(periods(posts), told, strict=True):
            assert abs(one[2] - other[2]) <= 2.0, f"startsAt of {key}"
            if not one[0]:
                assert abs(one[3] - other[3]) <= 2.0, f"endsAt of {key}"
    for posts in (*theirs.values(), *ours.values()):
        for post in posts:
            if post["firing"]:
                assert 4 * RESEND_S - 2.0 <= post["ends"] - post["at"] <= 4 * RESEND_S + 0.5
        for one, other in itertools.pairwise(posts):
            if (one["firing"], one["starts"]) == (other["firing"], other["starts"]):
                assert other["at"] - one["at"] > RESEND_S - 0.9

    # Prometheus is silent while a rule fails (and the receiver takes the alert for over); watchman repeats on.
    gaps = [
        other["at"] - one["at"]
        for posts in ours.values()
        for one, other in itertools.pairwise(posts)
        if (one["firing"], one["starts"]) == (other["firing"], other["starts"])
    ]
    assert max(gaps) < RESEND_S + 4.0


def periods(posts):
    """Runs of posts of one state and start: firing or not, the first texts, startsAt, the last endsAt."""
    found = []
    for post in posts:
        period = (post["firing"], post["annotations"], post["starts"], post["ends"])
        if found and (found[-1][0], found[-1][2]) == (period[0], period[2]):
            found[-1] = (*found[-1][:3], period[3])
        else:
            found.append(period)
    return found
