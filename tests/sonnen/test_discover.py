"""Looking for batteries in networks, and for one that has lost its address."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from watchman.sonnen import poller as polling
from watchman.sonnen.__main__ import main
from watchman.sonnen.device import Device
from watchman.sonnen.device import Server as Simulation
from watchman.sonnen.discover import WORKERS, Found, as_config, find_again, search
from watchman.sonnen.poller import Poller
from watchman.sonnen.settings import Options, load_settings
from watchman.sonnen.simulator import Home, Settings
from watchman.sonnen.subnets import MAX_ADDRESSES, addresses
from watchman.sonnen.system import System
from watchman.sonnen.values import Failure

STATUS = b'{"RSOC": 57, "Consumption_W": 400}'


class Network:
    """Answers by URL; everything else refuses the connection."""

    def __init__(self, answers: dict[str, bytes | str]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.at_once = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, url: str) -> bytes | Failure:
        with self._lock:
            self.asked.append(url)
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        threading.Event().wait(0.0005)
        with self._lock:
            self.at_once -= 1
        for start, answer in self.answers.items():
            if url.startswith(start):
                return Failure(answer, answer) if isinstance(answer, str) else answer
        return Failure("connect", "nobody there")


def test_every_generation_is_found_once() -> None:
    home = Network(
        {
            "http://10.0.0.1/api/v2/status": STATUS,
            "http://10.0.0.1:8080/": STATUS,
            "http://10.0.0.2:8080/api/v1/status": STATUS,
            "http://10.0.0.2:8080/api/v2/status": "not_found",
            "http://10.0.0.3:7979/rest/devices/battery/M05": b"41\n",
            "http://10.0.0.3:7979/rest/devices/battery": "not_found",
            "http://10.0.0.4:7979/rest/devices/battery": b'{"M05": "12", "M03": 5}',
            "http://10.0.0.5/": b"<html>a printer</html>",
        }
    )
    assert search(["10.0.0.0/29"], fetch=home) == [
        Found("http://10.0.0.1", "10.0.0.1", "v2", 57),
        Found("http://10.0.0.2:8080", "10.0.0.2", "v1", 57),
        Found("http://10.0.0.3:7979", "10.0.0.3", "eco", 41),
        Found("http://10.0.0.4:7979", "10.0.0.4", "eco", 12),
    ]


def test_only_status_paths_are_asked_and_few_addresses_at_once() -> None:
    empty = Network({})
    assert search(["10.0.0.0/24", "10.0.0.7"], fetch=empty) == []

    assert {url.partition("/")[2].partition("/")[2].partition("/")[2] for url in empty.asked} == {
        "api/v2/status", "rest/devices/battery"
    }  # fmt: skip
    assert len(empty.asked) == 254 * 3, "a port that takes no connection is asked once"
    assert 1 < empty.most <= WORKERS


@pytest.mark.parametrize(
    ("network", "expected"),
    [("192.168.1.9", ["192.168.1.9"]), ("127.0.0.1/30", ["127.0.0.1", "127.0.0.2"]), ("::1", ["::1"])],
)
def test_a_network_is_its_addresses(network: str, expected: list[str]) -> None:
    assert addresses(network) == expected


@pytest.mark.parametrize(
    ("network", "words"),
    [("10.0.0.0/8", f"more than {MAX_ADDRESSES} addresses"), ("fe80::/64", "more than"), ("home", "is not a network"),
     ("", "is not a network")],
)  # fmt: skip
def test_a_network_too_large_or_none_at_all_is_refused(
    network: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["discover", "--subnet", network]) == 2
    assert words in capsys.readouterr().err


@pytest.fixture
def simulate() -> Iterator[Callable[..., Simulation]]:
    servers: list[Simulation] = []

    def start(host: str = "127.0.0.1", port: int = 0, **how: object) -> Simulation:
        device = Device(Home(Settings(), 1_780_000_000.0, 60), lambda: 1_780_040_000.0, **how)  # type: ignore[arg-type]
        servers.append(Simulation((host, port), device))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def test_the_command_prints_what_the_exporter_reads(
    simulate: Callable[..., Simulation], capsys: pytest.CaptureFixture[str]
) -> None:
    first = simulate()
    port = first.server_address[1]
    second = simulate("127.0.0.2", port, api="v1")
    assert main(["discover", "--subnet", "127.0.0.0/30", "--port", str(port)]) == 0

    text = capsys.readouterr().out
    systems = load_settings(Options("config.toml", text), {}, lambda _: "").systems
    assert [(system.host, system.url) for system in systems] == [("127.0.0.1", first.url), ("127.0.0.2", second.url)]
    assert "# v2 API, charge " in text
    assert "# v1 API, charge " in text


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["--subnet", "127.0.0.1", "--port", "1"], 1, "no battery answers in 127.0.0.1"),
        (["--subnet", "127.0.0.1", "--port", "0"], 2, "--port 0 is not a port"),
        ([], 2, "required: --subnet"),
    ],
)
def test_what_the_command_says_otherwise(
    words: list[str], code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["discover", *words]) == code
    assert line in capsys.readouterr().err


# A battery whose address changed

LOST = System("home", "1", "http://10.0.0.1", search=("10.0.0.0/29",))


def test_the_only_battery_left_is_the_lost_one() -> None:
    home = Network({"http://10.0.0.4/api/v2": STATUS, "http://10.0.0.5/api/v2": STATUS})
    assert find_again(LOST, {"http://10.0.0.4"}, home) == Found("http://10.0.0.5", "10.0.0.5", "v2", 57)


@pytest.mark.parametrize(
    "taken",
    ["http://10.0.0.4:80", "http://10.0.0.4:8080", "http://sonnen-b", "http://sonnen-b:7979"],
)
def test_another_systems_battery_is_never_taken_however_that_system_is_addressed(taken: str) -> None:
    home = Network({"http://10.0.0.4/api/v2": STATUS, "http://10.0.0.4:8080/api/v2": STATUS})
    found = find_again(LOST, {taken}, home, lambda host: {"sonnen-b": ["10.0.0.4"]}.get(host, [host]))
    assert found == "looked for it in 10.0.0.0/29: nothing there"


def test_nothing_is_taken_while_the_name_of_another_system_is_unknown() -> None:
    home = Network({"http://10.0.0.4/api/v2": STATUS})
    found = find_again(LOST, {"http://sonnen-b"}, home, lambda _: [])
    assert isinstance(found, str)
    assert "http://sonnen-b cannot be resolved" in found
    assert home.asked == []


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({}, "nothing there"),
        (
            {"http://10.0.0.4/api/v2": STATUS, "http://10.0.0.5/api/v2": STATUS},
            "http://10.0.0.4, http://10.0.0.5 answer, which one it is must be told with url",
        ),
    ],
    ids=["none", "two that cannot be told apart"],
)
def test_nothing_is_taken_on_suspicion(answers: dict[str, bytes | str], words: str) -> None:
    found = find_again(LOST, (), Network(answers))
    assert isinstance(found, str)
    assert words in found


def test_a_poller_follows_its_battery_to_another_address(
    simulate: Callable[..., Simulation], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(polling, "SEARCH_AFTER_S", 0.0)
    gone = simulate()
    port = gone.server_address[1]
    gone.close()
    here = simulate("127.0.0.2", port)
    system = System("home", "1", gone.url, poll_s=2.0, search=("127.0.0.1/30",))
    poller = Poller(system, find=lambda system: find_again(system, ()))
    with caplog.at_level(logging.INFO, "watchman.sonnen"):
        poller.start()
        for _ in range(200):
            if poller.state.known:
                break
            threading.Event().wait(0.05)
        poller.stop()

    assert poller.state.known is not None
    assert poller.state.known.base == here.url
    assert (poller.state.system.host, poller.state.system.sn) == ("home", "1"), "the labels stay"
    assert f"home: found at {here.url}; put this address into the config file" in caplog.text


def test_a_search_that_finds_the_same_as_before_is_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answers = iter(["nothing", "nothing", "two", "nothing"])
    poller = Poller(LOST, find=lambda _: next(answers))
    with caplog.at_level(logging.INFO, "watchman.sonnen"):
        for gone_s, now_s in ((0.0, 1000.0), (0.0, 2000.0), (0.0, 3000.0), (3000.0, 4000.0)):
            poller.state = replace(poller.state, offline_since_s=gone_s)
            monkeypatch.setattr(polling.time, "monotonic", lambda now_s=now_s: now_s)
            poller._look_for_it(now_s)
    assert [record.getMessage() for record in caplog.records] == ["home: nothing", "home: two", "home: nothing"]


def test_it_is_looked_for_only_where_told_and_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[float] = []

    def find(_: System) -> str:
        looked.append(1)
        return "nothing"

    for networks, times in (((), 0), (("10.0.0.0/29",), 1)):
        poller = Poller(replace(LOST, search=networks), find=find)
        poller.state = replace(poller.state, offline_since_s=0.0)
        for now_s in (10.0, 400.0, 405.0, 1200.0):
            monkeypatch.setattr(polling.time, "monotonic", lambda now_s=now_s: now_s)
            poller._look_for_it(now_s)
        assert len(looked) == times


def test_two_batteries_at_one_address_get_labels_of_their_own() -> None:
    found = [Found(f"http://10.0.0.1{port}", "10.0.0.1", "v2", 50) for port in ("", ":5000")]
    found.append(Found("http://10.0.0.2:8080", "10.0.0.2", "v1", 50))
    systems = load_settings(Options("config.toml", as_config(found)), {}, lambda _: "").systems
    assert [system.host for system in systems] == ["10.0.0.1:80", "10.0.0.1:5000", "10.0.0.2"]


def test_the_config_of_nothing_is_empty() -> None:
    assert as_config([]) == ""


def test_the_networks_of_a_system_are_kept() -> None:
    settings = load_settings(Options("c", '[[systems]]\nurl = "b"\nsearch = ["10.0.0.0/24"]'), {}, lambda _: "")
    assert settings.systems[0].search == ("10.0.0.0/24",)
