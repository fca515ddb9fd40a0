"""The life of a battery as its poller sees it, on a clock of our own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from watchman.sonnen.answers import Reading, read_answer
from watchman.sonnen.changes import changes
from watchman.sonnen.collector import Build, collect
from watchman.sonnen.exposition import render
from watchman.sonnen.learn import Took, learn
from watchman.sonnen.plan import State, current, first_state, is_offline, is_online, next_ask
from watchman.sonnen.system import System, Target
from watchman.sonnen.values import Failure

BODIES = {
    "status": b'{"Consumption_W": 500, "RSOC": 50, "SystemStatus": "OnGrid"}',
    "inverter": b'{"fac": 50, "uac": 230}',
    "powermeter": b"[]",
    "battery": b'{"cyclecount": 7}',
    "latestdata": b'{"FullChargeCapacity": 10000}',
    "configurations": b'{"DE_Software": "1.14.5"}',
    "io": b"{}",
}

Answers = Callable[[str], str]


@dataclass
class Life:
    """Carries out what the plan asks for. `answers` gives for a URL "ok" or the reason why not; nothing waits."""

    system: System
    answers: Answers
    took_s: float = 0.0
    now_s: float = 1000.0
    firmware: str = "1.14.5"
    asked: list[tuple[float, str]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state: State = first_state(self.system, self.now_s)
        self.begin_s = self.now_s

    def run_until(self, elapsed_s: float) -> None:
        """Let time pass up to `elapsed_s` after the start."""
        until_s = self.begin_s + elapsed_s
        while True:
            ask = next_ask(self.state, self.now_s)
            if max(ask.at_s, self.now_s) > until_s:
                self.now_s = until_s
                return
            self.now_s = max(ask.at_s, self.now_s)
            started_s = self.now_s
            self.asked.append((started_s - self.begin_s, ask.url))
            outcome = self._outcome(ask.url, ask.endpoint, token=ask.with_token)
            self.now_s += self.took_s
            before = self.state
            self.state = learn(before, ask, outcome, Took(started_s, self.now_s, self.now_s + 1e9), 0.0)
            self.log += [change.message for change in changes(before, self.state, self.now_s)]

    def _outcome(self, url: str, endpoint: str, *, token: bool) -> Reading | Failure:
        said = self.answers(f"{url} token" if token else url)
        if said != "ok":
            return Failure(said, f"{url} said {said}")
        return read_answer(endpoint, BODIES[endpoint].replace(b"1.14.5", self.firmware.encode()))

    def online(self) -> bool:
        return is_online(self.state, self.now_s)

    def shown(self, endpoint: str = "status") -> bool:
        return current(self.state, endpoint, self.now_s) is not None

    def times_of(self, path: str) -> list[float]:
        return [at_s for at_s, url in self.asked if url.endswith(path)]


def v2_only(url: str) -> str:
    return "ok" if "/api/v2/" in url else "not_found"


def v1_only(url: str) -> str:
    return "not_found" if "/api/v2/" in url or url.endswith("/api/battery") else "ok"


def bare(url: str = "http://b", **more: object) -> System:
    return replace(System("b", "", url), **more)  # type: ignore[arg-type]


def test_without_a_token_only_status_of_v2_is_asked_every_5_s() -> None:
    life = Life(bare(), v2_only)
    life.run_until(20)

    assert life.asked == [(at_s, "http://b/api/v2/status") for at_s in (0, 5, 10, 15, 20)]
    assert life.log == ["found the v2 API at http://b; without a token only the status is read"]
    assert life.online()


def test_with_a_token_every_endpoint_has_its_own_interval() -> None:
    life = Life(bare(token="t"), v2_only)
    life.run_until(1200)

    assert len(life.times_of("/v2/status")) == 241
    for path in ("inverter", "powermeter", "battery", "latestdata"):
        assert len(life.times_of(path)) == 21, path
    for path in ("io", "configurations"):
        assert life.times_of(path) == [0, 600, 1200]


def test_v1_is_status_inverter_powermeter_and_what_it_lacks_is_left_alone() -> None:
    life = Life(bare(), v1_only)
    life.run_until(3600)

    assert life.times_of("/api/battery") == [0, 60, 120]
    assert len(life.times_of("/api/inverter")) == 61
    assert life.online()
    assert life.log == [
        "found the v1 API at http://b",
        "this device has no battery: its series are left out, asked again every hour",
    ]


def test_a_battery_that_has_no_api_at_all_is_offline_and_asked_on() -> None:
    life = Life(bare(), lambda _: "not_found")
    life.run_until(3600)

    assert [line.partition(":")[0] for line in life.log] == ["offline"]
    assert len(life.times_of("/api/v2/status")) > 60
    text = render(collect([life.state], Build("1", "", "3"), life.now_s))
    assert 'sonnen_endpoint_available{endpoint="status",host="b",sn=""} 1\n' in text, "it may be any fault"


def test_a_slow_battery_gets_a_pause_between_requests() -> None:
    life = Life(bare(), v2_only, took_s=8.0)
    life.run_until(60)

    assert life.times_of("status") == [0, 9, 18, 27, 36, 45, 54]
    assert life.online()


@pytest.mark.parametrize(
    ("url", "api", "works", "expected"),
    [
        ("http://b:8080", "auto", "http://b:8080/api/v2", ["http://b:8080/api/v2/status"]),
        (
            "http://b:8080",
            "auto",
            "http://b:80/api/v2",
            ["http://b:8080/api/v2/status", "http://b:8080/api/v1/status", "http://b:80/api/v2/status"],
        ),
        (
            "http://b",
            "auto",
            "http://b:8080/api/v1",
            [
                "http://b/api/v2/status",
                "http://b/api/v1/status",
                "http://b:8080/api/v2/status",
                "http://b:8080/api/v1/status",
            ],
        ),
        ("http://b:9000", "auto", "nowhere", ["http://b:9000/api/v2/status", "http://b:9000/api/v1/status"]),
        ("http://b:80", "auto", "nowhere", ["http://b:80/api/v2/status", "http://b:80/api/v1/status"]),
        ("https://b", "auto", "nowhere", ["https://b/api/v2/status", "https://b/api/v1/status"]),
        ("http://b:8080", "v1", "nowhere", ["http://b:8080/api/v1/status", "http://b:80/api/v1/status"]),
        (
            "http://[::1]:8080/x",
            "v2",
            "nowhere",
            ["http://[::1]:8080/x/api/v2/status", "http://[::1]:80/x/api/v2/status"],
        ),
    ],
)
def test_where_the_api_is_looked_for(url: str, api: str, works: str, expected: list[str]) -> None:
    life = Life(bare(url, api=api), lambda asked: "ok" if asked.startswith(works) else "not_found")
    life.run_until(0)

    assert [asked for _, asked in life.asked][: len(expected)] == expected
    assert all("/status" not in asked for _, asked in life.asked[len(expected) :])


def test_a_closed_port_is_tried_once_a_round_and_the_other_port_is_found() -> None:
    life = Life(bare("http://b:8080"), lambda url: v2_only(url) if ":80/" in url else "connect")
    life.run_until(0)

    assert [url for _, url in life.asked] == ["http://b:8080/api/v2/status", "http://b:80/api/v2/status"]
    assert len(life.log) == 1
    assert life.log[0].startswith("found the v2 API at http://b:80 instead of the configured http://b:8080")


def test_a_name_that_cannot_be_resolved_is_asked_once_a_round() -> None:
    life = Life(bare(), lambda _: "dns")
    life.run_until(14)

    assert life.times_of("status") == [0, 5]


def test_an_overloaded_v2_is_not_taken_for_a_v1_device() -> None:
    life = Life(bare("http://b:80"), lambda url: "http_5xx" if "/v2/" in url else "ok")
    life.run_until(15)

    assert [url for _, url in life.asked][:3] == ["http://b:80/api/v2/status"] * 3
    assert life.state.target == Target("http://b:80", "v1"), "in the end it is what there is"


@dataclass
class Switch:
    """Answers that a test can change in the middle of a life."""

    says: Answers

    def __call__(self, url: str) -> str:
        return self.says(url)


@pytest.mark.parametrize(
    "reason", ["connect", "timeout", "http_5xx", "bad_json", "bad_shape", "not_ready", "not_found"]
)
def test_two_missed_polls_are_offline_and_nothing_stale_is_shown(reason: str) -> None:
    battery = Switch(v2_only)
    life = Life(bare(token="t"), battery)
    life.run_until(60)
    battery.says = lambda _: reason
    life.run_until(66)
    seen = [(life.online(), life.shown(), life.shown("battery"))]
    life.run_until(72)
    seen.append((life.online(), life.shown(), life.shown("battery")))

    assert seen == [(True, True, True), (False, False, False)]
    assert life.log[-1].startswith("offline: ")


def test_retries_back_off_to_a_minute_and_nothing_but_status_is_asked() -> None:
    battery = Switch(v2_only)
    life = Life(bare("http://b:80", api="v2", token="t"), battery)
    life.run_until(4)
    battery.says = lambda _: "timeout"
    life.run_until(400)

    later = [(at_s, url) for at_s, url in life.asked if at_s > 4]
    assert {url for _, url in later} == {"http://b:80/api/v2/status"}
    assert [at_s for at_s, _ in later] == [5, 10, 20, 40, 80, 140, 200, 260, 320, 380]
    assert len(life.log) == 2, "one line when it was found, one when it went"


def test_a_battery_that_is_back_is_online_at_its_next_answer() -> None:
    battery = Switch(v2_only)
    life = Life(bare(token="t"), battery)
    life.run_until(4)
    battery.says = lambda _: "connect"
    life.run_until(400)
    battery.says = v2_only
    life.run_until(460)

    assert life.online()
    assert life.shown("battery")
    assert life.log[-1].startswith("online again after 4")
    assert life.state.known == Target("http://b", "v2")


def test_a_silent_battery_is_stale_by_its_age_before_its_request_has_timed_out() -> None:
    battery = Switch(v2_only)
    life = Life(bare(), battery)
    life.run_until(5)

    assert is_online(life.state, life.now_s + 15)
    assert not is_online(life.state, life.now_s + 15.1)
    assert current(life.state, "status", life.now_s + 15.1) is None


def test_slow_endpoints_go_stale_after_three_of_their_own_intervals() -> None:
    battery = Switch(v2_only)
    life = Life(bare(token="t"), battery)
    life.run_until(4)
    battery.says = lambda url: "http_5xx" if "/battery" in url else "ok"
    life.run_until(180)
    seen = [life.shown("battery")]
    life.run_until(181)
    seen.append(life.shown("battery"))

    assert seen == [True, False]
    assert life.online(), "in v2 status alone decides"
    assert life.shown("inverter")


def test_keep_stale_shows_the_last_values_but_says_offline() -> None:
    battery = Switch(v2_only)
    life = Life(bare(keep_stale=True), battery)
    life.run_until(4)
    battery.says = lambda _: "connect"
    life.run_until(4000)

    assert life.shown()
    assert not life.online()


def test_in_v1_a_failing_powermeter_is_offline_as_the_rust_exporter_had_it() -> None:
    life = Life(bare(), lambda url: "bad_json" if url.endswith("powermeter") else v1_only(url))
    life.run_until(100)

    assert not life.online()
    assert life.shown(), "the powers are there all the same"


def test_a_firmware_update_that_moves_the_api_is_followed() -> None:
    battery = Switch(lambda url: v1_only(url) if ":8080/" in url else "not_found")
    life = Life(bare("http://b:8080"), battery)
    life.run_until(60)
    battery.says = lambda url: v2_only(url) if ":80/" in url else "not_found"
    life.run_until(120)

    assert life.online()
    assert life.state.target == Target("http://b:80", "v2")
    assert not life.shown("inverter"), "what the old API said no longer counts"
    assert any("found the v2 API at http://b:80 instead of" in line for line in life.log)


def test_a_refused_token_is_tried_ever_less_often_and_status_goes_on() -> None:
    life = Life(bare(token="t"), lambda url: "unauthorized" if url.endswith("token") else v2_only(url))
    life.run_until(3600)

    refused = [at_s for at_s, url in life.asked if not url.endswith("/status")]
    assert refused == [0, 60, 180, 420, 900, 1500, 2100, 2700, 3300]
    assert len(life.times_of("/status")) == 721
    assert life.state.token_ok is False
    assert life.online()
    assert [line for line in life.log if "Read API" in line] == life.log[1:]


def test_an_accepted_token_brings_everything_back() -> None:
    battery = Switch(lambda url: "unauthorized" if url.endswith("token") else v2_only(url))
    life = Life(bare(token="t"), battery)
    life.run_until(100)
    battery.says = v2_only
    life.run_until(181)

    assert life.state.token_ok is True
    assert all(life.shown(endpoint) for endpoint in BODIES)
    assert life.log[-1] == "the token is accepted again"


def test_a_status_that_wants_the_token_is_given_it_and_only_then() -> None:
    life = Life(bare(token="t"), lambda url: "ok" if url.endswith("token") else "unauthorized")
    life.run_until(10)

    assert life.online()
    assert life.state.status_with_token
    assert life.times_of("/status") == [0, 0, 5, 10]


def test_a_status_that_refuses_everybody_is_not_hammered() -> None:
    life = Life(bare("http://b:80", api="v2"), lambda _: "unauthorized")
    life.run_until(3000)

    assert life.times_of("/status") == [0, 60, 180, 420, 900, 1500, 2100, 2700]
    assert not life.online()


def test_another_firmware_is_asked_again_for_what_was_missing() -> None:
    battery = Switch(lambda url: "not_found" if "/io" in url else "ok")
    life = Life(bare(token="t"), battery)
    life.run_until(1900)
    life.firmware = "1.22.1"
    battery.says = lambda _: "ok"
    life.run_until(2420)

    assert "firmware changed from 1.14.5 to 1.22.1" in life.log
    assert life.shown("io")


def test_jitter_makes_retries_earlier_never_later() -> None:
    state = first_state(bare("http://b:80", api="v2"), 0.0)
    late = learn(state, next_ask(state, 0.0), Failure("connect", "x"), Took(0, 0, 0), 0.0)
    early = learn(state, next_ask(state, 0.0), Failure("connect", "x"), Took(0, 0, 0), 1.0)

    assert (early.status.due_s, late.status.due_s) == (4.0, 5.0)


def test_requests_and_errors_are_counted_by_reason() -> None:
    life = Life(bare("http://b:8080"), v2_only)
    life.run_until(10)
    tally = life.state.tallies["status"]

    assert tally.requests == 3
    assert sum(tally.errors.values()) == 0
    life.answers = lambda _: "timeout"
    life.took_s = 3.0
    life.run_until(20)
    tally = life.state.tallies["status"]
    assert tally.errors["timeout"] == 1
    assert tally.seconds == 3.0
    assert tally.within == (3, 3, 3, 3, 4, 4)


def test_before_its_first_answer_a_battery_is_not_online() -> None:
    state = first_state(bare(), 0.0)

    assert not is_online(state, 0.0)
    assert current(state, "status", 0.0) is None
    assert not is_offline(state), "nobody knows yet, so nothing is logged"
