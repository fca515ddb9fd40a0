"""The simulated battery over HTTP: paths, token, faults, scripting."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from watchman.sonnen.device import Device, Server, main
from watchman.sonnen.simulator import Home, Settings, silent_at

NOON = datetime(2026, 11, 21, 20, 10, tzinfo=UTC).timestamp()


class Clock:
    def __init__(self) -> None:
        self.ts = NOON

    def __call__(self) -> float:
        return self.ts


@pytest.fixture
def clock() -> Clock:
    return Clock()


Start = Callable[..., Server]


@pytest.fixture
def start(clock: Clock) -> Iterator[Start]:
    servers: list[Server] = []

    def _start(**how: object) -> Server:
        device = Device(Home(Settings(), NOON, 60), clock, **how)  # type: ignore[arg-type]
        server = Server(("127.0.0.1", 0), device)
        server.start()
        servers.append(server)
        return server

    yield _start
    for server in servers:
        server.close()


def ask(
    server: Server, path: str, token: str = "", post: object = None, timeout_s: float = 5
) -> tuple[int, str, bytes]:
    place = urlsplit(server.url)
    with closing(http.client.HTTPConnection(str(place.hostname), place.port, timeout=timeout_s)) as connection:
        headers = {"Auth-Token": token} if token else {}
        body = None if post is None else json.dumps(post)
        connection.request("GET" if body is None else "POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers.get_content_type(), answer.read()


V1 = ("/api/v1/status", "/api/inverter", "/api/powermeter")
V2 = tuple(f"/api/v2/{name}" for name in ("latestdata", "powermeter", "battery", "inverter", "configurations"))


@pytest.mark.parametrize("path", [*V1, "/api/v2/status", *V2])
def test_every_path_answers_json_with_the_token(start: Start, path: str) -> None:
    status, kind, body = ask(start(token="secret"), path, token="secret")
    assert (status, kind) == (200, "application/json")
    assert json.loads(body)


@pytest.mark.parametrize("path", V2)
@pytest.mark.parametrize("token", ["", "wrong"])
def test_v2_refuses_a_missing_or_wrong_token(start: Start, path: str, token: str) -> None:
    status, _, body = ask(start(token="secret"), path, token=token)
    assert (status, json.loads(body)) == (401, {"error": "Unauthorized"})


@pytest.mark.parametrize("path", [*V1, "/api/v2/status"])
def test_v1_and_the_v2_status_need_no_token(start: Start, path: str) -> None:
    assert ask(start(token="secret"), path)[0] == 200


def test_the_values_move_with_the_clock(start: Start, clock: Clock) -> None:
    server = start()
    stamps = []
    for seconds in (0, 5, 9, 600):
        clock.ts = NOON + seconds
        stamps.append(json.loads(ask(server, "/api/v2/status")[2])["Timestamp"][-8:])
    assert stamps == ["12:10:00", "12:10:05", "12:10:05", "12:20:00"]


@pytest.mark.parametrize(("api", "v1", "v2"), [("v1", 200, 404), ("v2", 404, 200), ("both", 200, 200)])
def test_a_device_may_know_one_generation_only(start: Start, api: str, v1: int, v2: int) -> None:
    server = start(api=api)
    assert (ask(server, "/api/v1/status")[0], ask(server, "/api/v2/status")[0]) == (v1, v2)


def test_an_unknown_path_is_a_json_404(start: Start) -> None:
    status, kind, body = ask(start(), "/api/v3/status")
    assert (status, kind, json.loads(body)) == (404, "application/json", {"error": "404 Not Found"})


# Faults


def test_fault_401_refuses_all_but_the_status(start: Start) -> None:
    server = start(fault="401", token="secret")
    assert ask(server, "/api/v2/battery", token="secret")[0] == 401
    assert ask(server, "/api/v2/status", token="secret")[0] == 200


def test_fault_timeout_accepts_and_never_answers(start: Start) -> None:
    with pytest.raises(TimeoutError):
        ask(start(fault="timeout"), "/api/v2/status", timeout_s=0.2)


def test_fault_html404_answers_a_page(start: Start) -> None:
    status, kind, body = ask(start(fault="html404"), "/api/v2/status")
    assert (status, kind) == (404, "text/html")
    assert b"Page not found" in body


def test_fault_nulls_keeps_the_shape_without_values(start: Start) -> None:
    server = start(fault="nulls")
    assert set(json.loads(ask(server, "/api/v2/status")[2]).values()) == {None}
    assert set(json.loads(ask(server, "/api/v2/powermeter")[2])[0].values()) == {None}


def test_fault_half_body_breaks_off(start: Start) -> None:
    with pytest.raises(http.client.IncompleteRead) as broken:
        ask(start(fault="half-body"), "/api/v2/status")
    assert broken.value.partial.startswith(b'{"Apparent_output"')


def test_fault_slow_holds_the_second_half_back(start: Start) -> None:
    server = start(fault="slow", slow_s=60)
    with pytest.raises(TimeoutError):
        ask(server, "/api/v2/status", timeout_s=0.2)
    server.device.slow_s = 0
    assert json.loads(ask(server, "/api/v2/status")[2])["SystemStatus"] == "OnGrid"


def test_fault_restart_nightly_hangs_up_for_some_minutes(start: Start, clock: Clock) -> None:
    server = start(fault="restart-nightly")
    night = next(ts for ts in range(int(NOON), int(NOON) + 86400, 30) if silent_at(Settings(), ts))
    clock.ts = night
    with pytest.raises(http.client.RemoteDisconnected):
        ask(server, "/api/v2/status")
    clock.ts = night + 600
    assert ask(server, "/api/v2/status")[0] == 200


def test_fault_frozen_repeats_itself_until_it_is_lifted(start: Start, clock: Clock) -> None:
    server = start()
    ask(server, "/simulation", post={"fault": "frozen"})
    first = ask(server, "/api/v2/status")[2]
    clock.ts += 3600
    assert ask(server, "/api/v2/status")[2] == first
    ask(server, "/simulation", post={"fault": "none"})
    assert ask(server, "/api/v2/status")[2] != first


# Scripting


def test_a_scripted_cut_shows_and_ends(start: Start, clock: Clock) -> None:
    server = start()
    cut = {"grid_outage": {"start": NOON + 10, "end": NOON + 60}}
    assert ask(server, "/simulation", post=cut)[0] == 200
    seen = []
    for seconds in (5, 10, 55, 60):
        clock.ts = NOON + seconds
        seen.append(json.loads(ask(server, "/api/v2/status")[2])["SystemStatus"])
    assert seen == ["OnGrid", "OffGrid", "OffGrid", "OnGrid"]


def test_a_cut_without_an_end_lasts_until_the_grid_returns(start: Start, clock: Clock) -> None:
    server = start()
    ask(server, "/simulation", post={"grid_outage": {"start": NOON + 10}})
    clock.ts = NOON + 3600
    assert json.loads(ask(server, "/simulation")[2])["on_grid"] is False
    assert ask(server, "/simulation", post={"grid_returns": {"at": NOON + 3610}})[0] == 200
    clock.ts = NOON + 3610
    assert json.loads(ask(server, "/simulation")[2])["on_grid"] is True


def test_a_scripted_load_is_in_the_truth(start: Start, clock: Clock) -> None:
    server, plain = start(), start()
    ask(server, "/simulation", post={"big_load": {"start": NOON + 10, "end": NOON + 3610, "watts": 7000}})
    clock.ts = NOON + 7200
    more = [json.loads(ask(one, "/simulation")[2])["energy"]["consumption_wh"] for one in (server, plain)]
    assert more[0] - more[1] == pytest.approx(7000)


@pytest.mark.parametrize(
    "wish",
    [{}, [], "cut", {"fault": "gremlins"}, {"grid_outage": {}}, {"big_load": {"start": "x"}}, {"grid_outage": None}],
    ids=str,
)
def test_a_script_that_makes_no_sense_is_refused_with_a_reason(start: Start, wish: object) -> None:
    status, _, body = ask(start(), "/simulation", post=wish)
    assert status == 400
    assert json.loads(body)["error"]


def test_the_device_takes_no_other_writes(start: Start) -> None:
    assert ask(start(), "/api/v2/configurations", post={"EM_USOC": "50"})[0] == 405


# The command


def test_the_command_serves_and_ends_on_sigterm() -> None:
    command = [sys.executable, "-m", "watchman.sonnen.device", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    place = urlsplit(line.split()[3].rstrip(","))
    with closing(http.client.HTTPConnection(str(place.hostname), place.port, timeout=5)) as connection:
        connection.request("GET", "/api/v2/status")
        assert connection.getresponse().status == 200
    process.terminate()
    assert process.wait(5) == 0
    process.stdout.close()


def test_a_taken_port_is_one_line_and_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        assert main(["--listen", f"127.0.0.1:{taken.getsockname()[1]}"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "give a free --listen HOST:PORT" in error


@pytest.mark.parametrize("argument", [("--fault", "gremlins"), ("--tz", "Mars/Olympus"), ("--api", "v3")], ids=str)
def test_wrong_usage_is_exit_2(argument: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(argument))
    assert ended.value.code == 2
    assert argument[1] in capsys.readouterr().err
