"""Fixtures every part shares: real servers that are ended after the test and whose log is shown when it failed."""

from __future__ import annotations

import sys
from pathlib import Path

import hypothesis
import pytest

# Test modules import the helpers beside this file by their plain name, whatever pytest's import mode is.
sys.path.insert(0, str(Path(__file__).parent))

from typing import TYPE_CHECKING

from parrot import Parrot
from servers import Server, start_alertmanager, start_prometheus

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

# A busy machine is no fault of the code: laws have no time limit, and CI tries the same examples every time.
hypothesis.settings.register_profile("house", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("house")

_OUTCOME = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remembers whether a test failed, for the fixtures that end its servers."""
    report = yield
    item.stash[_OUTCOME] = item.stash.get(_OUTCOME, False) or report.failed
    return report


@pytest.fixture
def run_prometheus(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Server]]:
    """`run_prometheus(config=..., history=[Series, ...], args=[...])` starts a Prometheus for this test."""
    yield from _factory(start_prometheus, tmp_path / "prometheus", request)


@pytest.fixture
def run_alertmanager(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Server]]:
    """`run_alertmanager(config=..., args=[...])` starts an Alertmanager for this test."""
    yield from _factory(start_alertmanager, tmp_path / "alertmanager", request)


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One empty Prometheus for the whole run; a test writes under metric names of its own with `remote_write`."""
    server = start_prometheus(tmp_path_factory.mktemp("prometheus"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One Alertmanager for the whole run that sends nowhere; a test uses alert names of its own."""
    server = start_alertmanager(tmp_path_factory.mktemp("alertmanager"))
    yield server
    server.stop()


@pytest.fixture
def parrot() -> Iterator[Callable[..., Parrot]]:
    """`parrot(raw_bytes)` starts a server that says exactly that."""
    running: list[Parrot] = []

    def start(reply: bytes | None, tls: ssl.SSLContext | None = None) -> Parrot:
        running.append(Parrot(reply, tls))
        return running[-1]

    yield start
    for one in running:
        one.close()


def _factory(
    start: Callable[..., Server], directory: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def run(**options: object) -> Server:
        # The first server has the plain directory, so that a test can stop it and start it again on its data.
        place = options.pop("directory", None) or (directory if not running else directory / str(len(running)))
        server = start(place, **options)
        running.append(server)
        return server

    yield run
    for server in running:
        server.stop()
        if request.node.stash.get(_OUTCOME, False):
            print(f"--- {server.name} at {server.url}\n{server.log()}")
