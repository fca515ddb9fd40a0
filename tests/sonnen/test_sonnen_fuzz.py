"""Whatever a battery answers: no exception, and a scrape Prometheus accepts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from watchman.sonnen.answers import ENDPOINTS, read_answer
from watchman.sonnen.plan import State
from watchman.sonnen.simulator import Home, Settings
from watchman.sonnen.simulator.generations import GENERATIONS

PAYLOADS = Path(__file__).parent / "payloads"
KNOWN = [
    (name.split("_", 2)[2] if name.startswith(("eco8", "sb10", "synthetic")) else name.split("_")[0], json.loads(text))
    for name, text in ((path.stem, path.read_text()) for path in sorted(PAYLOADS.glob("*.json")))
    if name != "v1_battery"
]
HOME = Home(Settings(), 1_780_340_400.0).advance(1_780_340_400.0)
# Every answer of every generation the simulator can be: from the tree of the eco 4 to the firmwares of 2025.
KNOWN += [
    ("status" if path == "/rest/devices/battery" else path.rpartition("/")[2], make(HOME))
    for paths in GENERATIONS.values()
    for path, make in paths.items()
    if not path.startswith("/rest/devices/battery/")
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["nan", "1e999", "49.98", "-273.15", "OnGrid", 'a"b\\c\nd', "\ud800", -273.15, 0, 10**400])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def spoiled(draw: st.DrawFn) -> tuple[str, object]:
    """A known answer in which some values, at any depth, became something else or went missing."""
    endpoint, answer = draw(st.sampled_from(KNOWN))

    def spoil(value: object) -> object:
        if draw(st.integers(0, 9)) == 0:
            return draw(JSON)
        if isinstance(value, dict):
            return {name: spoil(inner) for name, inner in value.items() if draw(st.integers(0, 19))}
        return [spoil(inner) for inner in value] if isinstance(value, list) else value

    return endpoint, spoil(answer)


def check(text: str) -> None:
    """The text is an exposition, and no series is in it twice."""
    seen: set[tuple[str, ...]] = set()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            series = (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items())))
            assert series not in seen
            seen.add(series)


def promtool(text: str) -> None:
    """What `promtool check metrics` says of an exposition."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    # 3 is a naming hint: the Rust exporter's names are not changed to please it.
    assert done.returncode in (0, 3), done.stderr


def show(answer: tuple[str, object], state_of: Callable[..., State], text_of: Callable[..., str]) -> str:
    endpoint, body = answer
    status = b'{"RSOC": 50, "Timestamp": "2024-06-11 10:30:05"}'
    answers = {"status": status, endpoint: json.dumps(body).encode("utf-8", "surrogatepass")}
    return text_of(state_of("v2", answers, unix=1.7e9))


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=spoiled())
def test_a_spoiled_answer_gives_a_valid_exposition(
    answer: tuple[str, object], state_of: Callable[..., State], text_of: Callable[..., str]
) -> None:
    check(show(answer, state_of, text_of))


@pytest.mark.soak
def test_ten_thousand_spoiled_answers_give_valid_expositions(
    state_of: Callable[..., State], text_of: Callable[..., str]
) -> None:
    numbers = count()

    @settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
    @given(answer=spoiled())
    def run(answer: tuple[str, object]) -> None:
        text = show(answer, state_of, text_of)
        check(text)
        if next(numbers) % 50 == 0:
            promtool(text)

    run()


@settings(max_examples=200, deadline=None)
@given(body=JSON, endpoint=st.sampled_from(list(ENDPOINTS["v2"])))
def test_any_json_is_read_or_refused_with_a_reason(body: object, endpoint: str) -> None:
    read_answer(endpoint, json.dumps(body).encode())


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=200), endpoint=st.sampled_from(list(ENDPOINTS["v2"])))
def test_any_bytes_are_read_or_refused_with_a_reason(body: bytes, endpoint: str) -> None:
    read_answer(endpoint, body)


@pytest.mark.integration
@pytest.mark.parametrize("generation", GENERATIONS)
def test_promtool_accepts_every_generation(
    generation: str, state_of: Callable[..., State], text_of: Callable[..., str]
) -> None:
    paths = GENERATIONS[generation]
    api = "v2" if "/api/v2/status" in paths else "v1" if "/api/v1/status" in paths else "eco"
    answers = {
        name: json.dumps(paths[endpoint.path](HOME)).encode()
        for name, endpoint in ENDPOINTS[api].items()
        if endpoint.path in paths
    }
    text = text_of(state_of(api, answers, unix=1.7e9))
    check(text)
    promtool(text)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("api", "prefix", "parts"),
    [
        ("v1", "synthetic_v1", ("status", "inverter", "powermeter")),
        ("v2", "eco8_v2", ("status", "inverter", "powermeter", "battery", "latestdata", "configurations", "io")),
        ("v2", "sb10_v2", ("status", "inverter", "powermeter")),
    ],
    ids=["old v1", "three phases", "one phase"],
)
def test_promtool_accepts_the_exposition(
    api: str, prefix: str, parts: tuple[str, ...], state_of: Callable[..., State], text_of: Callable[..., str]
) -> None:
    answers = {part: (PAYLOADS / f"{prefix}_{part}.json").read_bytes() for part in parts}
    if api == "v1":
        answers["battery"] = (PAYLOADS / "v1_battery.json").read_bytes()
    text = text_of(state_of(api, answers, unix=1.7e9))
    promtool(text)
