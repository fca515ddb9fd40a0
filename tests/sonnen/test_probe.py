"""`/probe`: who may be asked, what comes back, and how gently."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from urllib.parse import quote, urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from watchman.sonnen import probe
from watchman.sonnen.allowed import ProbeSettings, is_allowed, read_allowed
from watchman.sonnen.device import Device
from watchman.sonnen.device import Server as Simulation
from watchman.sonnen.exporter import Exporter, close, start
from watchman.sonnen.settings import Listen, Settings
from watchman.sonnen.simulator import Home
from watchman.sonnen.simulator import Settings as HomeSettings
from watchman.sonnen.system import System


@pytest.mark.parametrize(
    ("entry", "url", "allowed"),
    [
        ("192.168.1.0/24", "http://192.168.1.50", True),
        ("192.168.1.0/24", "http://192.168.1.50:8080", True),
        ("192.168.1.0/24", "http://192.168.2.50", False),
        ("192.168.1.0/24", "http://192.168.1.50:22", False),
        ("192.168.1.0/24", "http://192.168.1.50.nip.io", False),
        ("192.168.1.0/24", "http://3232235826", False),
        ("192.168.1.50", "http://192.168.1.50:7979", True),
        ("192.168.1.50:5000", "http://192.168.1.50:5000", True),
        ("192.168.1.50:5000", "http://192.168.1.50", False),
        ("sonnen-b", "http://SONNEN-B", True),
        ("sonnen-b", "http://sonnen-b.evil.example", False),
        ("sonnen-b", "http://sonnen-b/admin", False),
        ("fd00::/8", "http://[fd00::5]", True),
        ("[fd00::5]:81", "http://[fd00::5]:81", True),
    ],
)
def test_an_entry_allows_what_it_says(entry: str, url: str, allowed: bool) -> None:
    assert is_allowed(url, [read_allowed(entry)]) is allowed


@pytest.mark.parametrize("entry", ["", "http://x", "a/b", "user@host", "host:99999", "10.0.0.0/33"])
def test_an_entry_that_means_nothing_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="neither a network nor a host"):
        read_allowed(entry)


@pytest.fixture
def simulation() -> Iterator[Simulation]:
    server = Simulation(("127.0.0.1", 0), Device(Home(HomeSettings(), 1_780_000_000.0, 60), lambda: 1_780_040_000.0))
    server.start()
    yield server
    server.close()


@pytest.fixture
def running(simulation: Simulation) -> Iterator[Callable[..., Exporter]]:
    started: list[Exporter] = []

    def make(*systems: System, allow: tuple[str, ...] = ()) -> Exporter:
        settings = ProbeSettings(tuple(read_allowed(entry) for entry in allow))
        started.append(start(Settings(systems, Listen("127.0.0.1", 0), probe=settings)))
        return started[-1]

    yield make
    for exporter in started:
        close(exporter)


def ask(exporter: Exporter, target: str) -> tuple[int, str]:
    url = f"http://127.0.0.1:{exporter.port}/probe?target={quote(target, safe='')}"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_an_allowed_target_shows_its_battery(simulation: Simulation, running: Callable[..., Exporter]) -> None:
    place = urlsplit(simulation.url).netloc
    code, text = ask(running(allow=(place,)), place)

    assert code == 200
    names = {family.name for family in text_string_to_metric_families(text)}
    assert {"sonnen_consumption_watts", "sonnen_online", "sonnen_build_info", "probe_duration_seconds"} <= names
    assert 'sonnen_online{host="127.0.0.1",sn=""} 1\n' in text
    assert "\nprobe_success 1\n" in text


def test_a_target_that_does_not_answer_is_no_success(running: Callable[..., Exporter]) -> None:
    code, text = ask(running(allow=("127.0.0.1:1",)), "127.0.0.1:1")

    assert code == 200
    assert "\nprobe_success 0\n" in text
    assert 'sonnen_online{host="127.0.0.1",sn=""} 0\n' in text


def test_probing_often_asks_the_battery_no_more(simulation: Simulation, running: Callable[..., Exporter]) -> None:
    place = urlsplit(simulation.url).netloc
    exporter = running(allow=(place,))
    texts = [ask(exporter, place)[1] for _ in range(10)]

    (requests,) = (line for line in texts[-1].splitlines() if line.startswith("sonnen_requests_total{"))
    assert float(requests.rpartition(" ")[2]) <= 2


@pytest.mark.parametrize(
    ("target", "code", "words"),
    [
        ("", 400, "target is missing"),
        ("ftp://127.0.0.1", 400, "target is not a host or URL"),
        ("http://", 400, "target is not a host or URL"),
        ("127.0.0.2", 403, "target is not allowed"),
        ("169.254.169.254", 403, "target is not allowed"),
        ("http://me:pw@127.0.0.1:1", 400, "target is not a host or URL"),
        ("127.0.0.1:1/x", 403, "target is not allowed"),
    ],
)
def test_other_targets_are_refused(running: Callable[..., Exporter], target: str, code: int, words: str) -> None:
    got, text = ask(running(allow=("127.0.0.1:1",)), target)
    assert got == code
    assert words in text


def test_more_parameters_than_any_prometheus_sends_are_refused(running: Callable[..., Exporter]) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(
            f"http://127.0.0.1:{running(allow=('127.0.0.1:1',)).port}/probe?" + "a=1&" * 9, timeout=5
        )
    with refused.value as error:
        assert (error.code, error.read()[:19]) == (400, b"too many parameters")


def test_without_an_allow_list_nobody_is_asked_but_what_is_configured(
    simulation: Simulation, running: Callable[..., Exporter]
) -> None:
    exporter = running(System("home", "7", simulation.url), System("other", "8", "http://127.0.0.1:1"))
    code, text = ask(exporter, "home")

    assert code == 200
    assert 'sonnen_online{host="home",sn="7"} 1\n' in text
    assert 'host="other"' not in text
    assert ask(exporter, urlsplit(simulation.url).netloc)[0] == 403


def test_targets_are_forgotten_and_bounded(running: Callable[..., Exporter], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "MAX_TARGETS", 1)
    monkeypatch.setattr(probe, "WAIT_S", 0.0)
    exporter = running(allow=("127.0.0.0/8",))
    assert [ask(exporter, target)[0] for target in ("127.0.0.1", "127.0.0.2")] == [200, 503]

    monkeypatch.setattr(probe, "IDLE_S", -1.0)
    assert ask(exporter, "127.0.0.2")[0] == 200
