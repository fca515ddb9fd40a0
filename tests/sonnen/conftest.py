"""Recorded shapes, states made of them, and a scripted battery on a real socket."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from watchman.sonnen.answers import read_answer
from watchman.sonnen.collector import Build, collect
from watchman.sonnen.exposition import render
from watchman.sonnen.learn import Took, learn
from watchman.sonnen.plan import Ask, State, endpoints_of, first_state
from watchman.sonnen.system import System, Target

PAYLOADS = Path(__file__).parent / "payloads"
BUILD = Build("0.0.1", "", "3.11.0")


@pytest.fixture
def payload() -> Callable[[str], bytes]:
    """The bytes of a file in payloads/."""
    return lambda name: (PAYLOADS / name).read_bytes()


@pytest.fixture
def state_of() -> Callable[..., State]:
    """A battery that gave these answers (endpoint -> body), all at one instant."""

    def make(
        api: str, answers: dict[str, bytes], *, system: System | None = None, at_s: float = 0.0, unix: float = 0.0
    ) -> State:
        battery = system or System("sonnen-a", "Psb12345", "http://battery:8080", token="t" if api == "v2" else None)
        target = Target(battery.url, api)
        state = first_state(battery, at_s)
        for endpoint in ("status", *endpoints_of(battery, target)[1:]):
            if endpoint in answers:
                needs_token = api == "v2" and endpoint != "status"
                ask = Ask(endpoint, target, needs_token, at_s)
                took = Took(at_s, at_s, unix)
                state = learn(state, ask, read_answer(endpoint, answers[endpoint]), took, 0.0)
        return state

    return make


@pytest.fixture
def text_of() -> Callable[..., str]:
    """What a scrape shows of some batteries."""
    return lambda *states, now_s=0.0: render(collect(states, BUILD, now_s))


@pytest.fixture
def samples_of(text_of: Callable[..., str]) -> Callable[..., dict[str, str]]:
    """The same as series -> value, without the labels all share."""

    def make(*states: State, now_s: float = 0.0) -> dict[str, str]:
        lines = (line for line in text_of(*states, now_s=now_s).splitlines() if not line.startswith("#"))
        return {_bare(series): value for series, _, value in (line.rpartition(" ") for line in lines)}

    return make


def _bare(series: str) -> str:
    name, _, labels = series.partition("{")
    kept = re.sub(r'\b(host|sn)="[^"]*",?', "", labels.removesuffix("}")).removesuffix(",")
    return f"{name}{{{kept}}}" if kept else name


@dataclass
class ScriptedBattery:
    """A listener that answers each connection with raw bytes, in pieces if so told, and keeps what it was asked."""

    url: str
    answer: bytes | Iterator[bytes] | Callable[[bytes], bytes | Iterator[bytes]] = b""
    requests: list[bytes] = field(default_factory=list)


@pytest.fixture
def battery() -> Iterator[ScriptedBattery]:
    """A battery on 127.0.0.1 whose answers the test writes."""
    listener = socket.create_server(("127.0.0.1", 0))
    scripted = ScriptedBattery(f"http://127.0.0.1:{listener.getsockname()[1]}")
    closing = threading.Event()

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    def talk(connection: socket.socket) -> None:
        with connection:
            request = connection.recv(65536)
            scripted.requests.append(request)
            answer = scripted.answer(request) if callable(scripted.answer) else scripted.answer
            try:
                for piece in [answer] if isinstance(answer, bytes) else answer:
                    connection.sendall(piece)
                    if closing.wait(0.01):
                        return
            except OSError:
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield scripted
    closing.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.fixture
def free_port_of() -> Callable[[subprocess.Popen[str]], int]:
    """The port an exporter started with `--listen HOST:0` tells in its log."""

    def read(process: subprocess.Popen[str]) -> int:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"listening on port (\d+)", line):
                return int(found[1])
        raise AssertionError("the exporter ended without listening")

    return read
