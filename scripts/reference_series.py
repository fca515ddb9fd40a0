"""Every series of the daemon and of the exporter, as they stand on their /metrics pages; for scripts/reference.py."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import Metric

from watchman import app, views
from watchman.book import RuleHealth, rules_with_keys
from watchman.clock import Clock
from watchman.config import load_config
from watchman.jobs.drill import DRILL_REASON
from watchman.metrics import alert_families
from watchman.notify.message import Message
from watchman.notify.outbox import Outcome
from watchman.sonnen import exporter
from watchman.sonnen.answers import read_answer
from watchman.sonnen.collector import Build, collect
from watchman.sonnen.eco import PARTS as PARTS_OF_TREE
from watchman.sonnen.learn import Took, learn
from watchman.sonnen.plan import Ask, State, endpoints_of, first_state
from watchman.sonnen.system import System, Target
from watchman.sonnen.values import Failure
from watchman.store import Store, open_store, outbox
from watchman.wiring import wire

PAYLOADS = Path(__file__).resolve().parent.parent / "tests" / "sonnen" / "payloads"


def daemon_series() -> list[tuple[str, str, str, str]]:
    """(name, type, labels, meaning) of every series of the daemon that is its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        file.write_text(_EVERYTHING_SET, encoding="utf-8")
        store = open_store(f"sqlite:///{folder}/state.sqlite")
        wiring = wire(load_config(file))
        context = app.make_context(Clock(), store, wiring)
        context.facts = {f"usual_{what}": 1.0 for what in ("peak_production_w", "day_production_wh", "night_load_w")}
        key = next(key for key, _, _ in rules_with_keys(wiring.groups))
        context.book.put(key, {}, RuleHealth("err", "a fault", 0.0, 0.0, 0.0))
        _put_drill(store)
        rows = list(_registered(context.metrics.registry))
        gauges = list(views.gauges(context))
        context.wiring.close()
        store.close()
    live = {name: (name, "gauge", ", ".join(labels), text) for name, text, labels, _ in gauges}
    return [*rows, *live.values()]


def _put_drill(store: Store) -> None:
    """A monthly test that was taken, for the series that tell of it."""
    message = Message("Monthly test", "works")
    with store.begin() as connection:
        outbox.add(connection, [outbox.Posting("phone", "key", "test", "drill", message, DRILL_REASON)], 0.0)
        for row in outbox.lease(connection, ["key"], 0.0, 0.0, 1):
            outbox.write(connection, Outcome(row, 0.0, "accepted"))


def _registered(registry: Any) -> Iterator[tuple[str, str, str, str]]:
    labels = {name: getattr(one, "_labelnames", ()) for name, one in registry._names_to_collectors.items()}
    for family in registry.collect():
        if family.name.startswith("watchman_") and family.name in labels:
            name = f"{family.name}_total" if family.type == "counter" else family.name
            yield name, family.type, ", ".join(labels[family.name]), family.documentation
    for family in alert_families(()):
        of = {"watchman_alerts": "state", "ALERTS": "alertstate, those of the alert"}
        yield family.name, family.type, of.get(family.name, "those of the alert"), family.documentation


_EVERYTHING_SET = """
prometheus: {url: "http://127.0.0.1:9"}
site:
  {name: home, timezone: UTC, latitude: 0, longitude: 0, battery: {capacity_wh: 1}, import_limit_watts: 1}
receivers: [{name: phone, apprise: ["ntfy://127.0.0.1/home"]}]
route: {receiver: phone}
alertmanager: {urls: ["http://127.0.0.1:9"]}
heartbeat: {url: "http://127.0.0.1:9"}
watchdog: {}
"""


def exporter_series() -> list[tuple[str, str, str, str, str]]:
    """(name, type, labels beside host and sn, "yes" if the Rust exporter has it, meaning) of every exporter series."""
    rust = set(re.findall(r"^# TYPE (\S+)", (PAYLOADS / "synthetic_v1_expected_rust_metrics.txt").read_text(), re.M))
    families: dict[str, Metric] = {}
    build = Build("", "", "")
    summed = {("sonnen", "v1"): {"grid_import": 0.0}}
    for family in [*collect(_batteries(), build, 0.0, summed), *exporter._Metrics((), build, None)._families()]:
        if family.name.startswith("sonnen_"):
            families.setdefault(family.name, family)
    return [
        (name := f"{one.name}_total" if one.type == "counter" else one.name, one.type, _labels(one),
         "yes" if name in rust else "", one.documentation)
        for one in families.values()
    ]  # fmt: skip


def _batteries() -> Iterator[State]:
    """One battery of each generation, with recorded answers that hold everything it can say."""
    v1 = ("status", "inverter", "powermeter")
    v2 = (*v1, "battery", "latestdata", "configurations", "io")
    yield _state("v1", {name: _recorded(f"synthetic_v1_{name}") for name in v1})
    # The recorded battery has no probe in its modules; those that do tell two more values.
    yield _state("v2", {name: _recorded(f"eco8_v2_{name}").replace(b"-273.15", b"20") for name in v2})
    yield _state("eco", {"status": json.dumps(dict.fromkeys(PARTS_OF_TREE, 10)).encode()})


def _recorded(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def _state(api: str, answers: Mapping[str, bytes]) -> State:
    system = System("sonnen", api, "http://battery:8080", token="t" if api == "v2" else None)
    target = Target(system.url, api)
    state = first_state(system, 0.0)
    for endpoint in ("status", *endpoints_of(system, target)[1:]):
        if endpoint in answers:
            ask = Ask(endpoint, target, api == "v2" and endpoint != "status", 0.0)
            reading = read_answer(endpoint, answers[endpoint])
            assert not isinstance(reading, Failure), f"{api} {endpoint}: {reading}"
            state = learn(state, ask, reading, Took(0.0, 0.0, 0.0), 0.0)
    return state


def _labels(family: Metric) -> str:
    names = dict.fromkeys(name for sample in family.samples for name in sample.labels)
    return ", ".join(name for name in names if name not in ("host", "sn", "le"))
