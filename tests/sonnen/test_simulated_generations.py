"""The exporter reads every generation the simulator can be, and names every fault it can have."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from watchman.sonnen.answers import read_answer
from watchman.sonnen.client import Limits, get
from watchman.sonnen.device import APIS, FAULTS, Device, Server, main
from watchman.sonnen.plan import State, next_ask
from watchman.sonnen.poller import Poller
from watchman.sonnen.simulator import Home, Settings, silent_at
from watchman.sonnen.simulator.generations import GENERATIONS
from watchman.sonnen.status import Status
from watchman.sonnen.system import System
from watchman.sonnen.values import Failure

NOON = 1_780_340_400.0  # at the simulated home


@pytest.fixture
def simulate() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(now: float = NOON, **how: object) -> Server:
        servers.append(Server(("127.0.0.1", 0), Device(Home(Settings(), NOON - 3600, 60), lambda: now, **how)))  # type: ignore[arg-type]
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def quick(url: str, token: str | None) -> bytes | Failure:
    return get(url, token, Limits(0.3, 0.3))


def poll(server: Server, requests: int, api: str = "auto") -> State:
    """What a poller knows after some requests, made as they are planned but without waiting."""
    poller = Poller(System("home", "1", server.url, token="t", api=api), quick)
    for _ in range(requests):
        poller._step(next_ask(poller.state, 0.0))
    return poller.state


@pytest.mark.parametrize("api", APIS)
def test_every_generation_shows_the_same_home(
    api: str, simulate: Callable[..., Server], samples_of: Callable[..., dict[str, str]]
) -> None:
    server = simulate(api=api)
    state = poll(server, 12)
    truth = server.device.truth()
    samples = samples_of(state, now_s=plan_time(state))

    assert samples["sonnen_online"] == "1"
    for name, value in (
        ("sonnen_production_watts", truth.production_w),
        ("sonnen_consumption_watts", truth.consumption_w),
        ("sonnen_grid_feed_in_watts", truth.grid_feed_in_w),
        ("sonnen_discharge_watts", truth.discharge_w),
        ("sonnen_state_of_charge_percent", truth.rsoc_percent),
    ):
        assert samples[name] == str(value), name


def plan_time(state: State) -> float:
    """A moment at which what was just learned is fresh."""
    return max(known.received_s or 0.0 for known in state.endpoints.values())


@pytest.mark.parametrize(
    ("api", "expected"),
    [
        ("both", ["sonnen_battery_cycles_total", 'sonnen_io_state{pin="do_12",usage="Self-consumption relay"}']),
        ("v1", ['sonnen_battery_health_ratio{source="bms"}', 'sonnen_temperature{probe="bdc"}']),
        ("v2-new", ['sonnen_operating_mode_state{mode="optimization"}', "sonnen_inverter_temperature_celsius"]),
        ("eco", ['sonnen_eco_state{state="charging"}']),
        ("hybrid", ["sonnen_frequency_grid", 'sonnen_inverter_pv_power_watts{string="1"}']),
        ("radian", ['sonnen_grid_volts{phase="2"}', 'sonnen_meter_volts{direction="consumption",phase="1"}']),
    ],
)
def test_each_generation_has_series_of_its_own(
    api: str, expected: list[str], simulate: Callable[..., Server], samples_of: Callable[..., dict[str, str]]
) -> None:
    state = poll(simulate(api=api), 12)
    assert set(expected) <= set(samples_of(state, now_s=plan_time(state)))


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_its_reason(fault: str, simulate: Callable[..., Server]) -> None:
    night = next(float(ts) for ts in range(int(NOON), int(NOON) + 86400, 30) if silent_at(Settings(), ts))
    server = simulate(now=night if fault == "restart-nightly" else NOON, api="v2", fault=fault)
    state = poll(server, 3, "v2")
    reasons = {reason for tally in state.tallies.values() for reason, count in tally.errors.items() if count}

    expected = {
        "none": set(), "frozen": set(), "401": {"unauthorized"}, "timeout": {"timeout"}, "slow": {"timeout"},
        "html404": {"not_found"}, "nulls": {"bad_shape"}, "half-body": {"bad_json"},
        "restart-nightly": {"connect"},
    }  # fmt: skip
    assert reasons == expected[fault]


@pytest.mark.parametrize("api", APIS)
def test_an_answer_of_nulls_is_refused_by_every_generation(api: str) -> None:
    for path, make in GENERATIONS[api].items():
        if (path.endswith(("status", "/battery")) and "rest" in path) or path.endswith("status"):
            answer = make(Home(Settings(), NOON).advance(NOON))
            assert isinstance(answer, dict)
            nulls = json.dumps(dict.fromkeys(answer)).encode()
            assert isinstance(read_answer("status", nulls), Failure)


def test_several_batteries_are_several_homes() -> None:
    command = [sys.executable, "-m", "watchman.sonnen.device", "--listen", "127.0.0.1:0", "--batteries", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        urls = [process.stdout.readline().split()[3].rstrip(",") for _ in range(3)]
        homes = set()
        for url in urls:
            with urllib.request.urlopen(f"{url}/api/v2/status", timeout=5) as answer:
                reading = read_answer("status", answer.read())
            assert isinstance(reading, Status)
            homes.add(reading.consumption_w)
        process.terminate()
        assert process.wait(5) == 0
    assert len(set(urls)) == 3
    assert len(homes) > 1


@pytest.mark.parametrize("count", ["0", "101", "x", "-1"])
def test_a_count_of_batteries_that_makes_no_sense_is_refused(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--batteries", count])
    assert "is not a number from 1 to 100" in capsys.readouterr().err
