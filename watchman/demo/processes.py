"""The demo's child processes: started in groups of their own, watched, and ended by the guard."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import watchman
from watchman.errors import WatchmanError

_STOP_LIMIT_S = 15.0
_TAIL_LINES = 15
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Loopback must never be asked for through a proxy of the environment.
_OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Child:
    """A running program; its output goes to `log`."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def tail(self) -> str:
        """The last lines it wrote."""
        lines = self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n".join(lines) or "(it wrote nothing)"


class Family:
    """A folder and the processes that work in it. Leaving the `with` block ends them and removes the folder.

    If this process is killed, the guard does the same: it holds the other end of a pipe.
    """

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self.children: list[Child] = []

    def __enter__(self) -> Family:
        command = python("watchman.demo.guard")
        self._guard = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, env=python_env())
        self.folder = Path(tempfile.mkdtemp(prefix="watchman-demo-"))
        if not self._keep:
            self._tell(f"folder {self.folder}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._guard.stdin is not None
        with _undisturbed():
            self._guard.stdin.close()
            for child in self.children:
                child.process.wait(_STOP_LIMIT_S)
            self._guard.wait(_STOP_LIMIT_S)

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None) -> Child:
        """Start a program in a session of its own. Raises WatchmanError if it cannot be run."""
        with _undisturbed():
            return self._start(name, command, env)

    def _start(self, name: str, command: Sequence[str], env: Mapping[str, str] | None) -> Child:
        log = self.folder / f"{name}.log"
        try:
            with log.open("wb") as output:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self.folder,
                    env=env,
                    start_new_session=True,
                )
        except OSError as error:
            raise WatchmanError(f"cannot start {name}: {error}") from error
        self._tell(f"group {process.pid}")
        child = Child(name, process, log)
        self.children.append(child)
        return child

    def check(self) -> None:
        """Raises WatchmanError if a program that should run has ended."""
        for child in self.children:
            code = child.process.poll()
            if code is not None:
                raise WatchmanError(f"{child.name} ended by itself (exit {code}); its last lines:\n{child.tail()}")

    def wait_ready(self, name: str, url: str, limit_s: float) -> None:
        """Wait until `url` of that child answers 200. Raises WatchmanError when a child ends or the time is up."""
        limit = time.monotonic() + limit_s
        while not answers(url):
            self.check()
            if time.monotonic() > limit:
                tail = next(child.tail() for child in self.children if child.name == name)
                raise WatchmanError(f"{name} does not answer {url} after {limit_s:.0f} s; its last lines:\n{tail}")
            time.sleep(0.1)

    def _tell(self, line: str) -> None:
        assert self._guard.stdin is not None
        self._guard.stdin.write(f"{line}\n".encode())
        self._guard.stdin.flush()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals that ask to end wait until the block is done: no child may be started that the guard never hears of."""
    waiting: list[int] = []
    before = {number: signal.signal(number, lambda number, _: waiting.append(number)) for number in _ENDINGS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if waiting:
        signal.raise_signal(waiting[0])


def fetch(url: str, body: bytes | None = None, timeout_s: float = 5) -> bytes:
    """GET, or POST a JSON body. Raises OSError (urllib's errors are) when there is no good answer."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
    with _OPEN.open(request, timeout=timeout_s) as answer:
        content: bytes = answer.read()
    return content


def answers(url: str) -> bool:
    """Does a server answer 200 there?"""
    try:
        fetch(url)
    except (OSError, ValueError):
        return False
    return True


def free_ports(number: int) -> list[int]:
    """So many different loopback ports that nobody listens on at this moment."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def find_program(names: Sequence[str], package: str) -> str:
    """The first of the programs that is on PATH. Raises WatchmanError with what to install."""
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    install = f"sudo apt-get install --no-install-recommends {package}"
    raise WatchmanError(f"{names[0]} is not on PATH: run `{install}`, or put upstream's program on PATH")


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module with this interpreter."""
    return [sys.executable, "-m", module, *arguments]


def python_env() -> dict[str, str]:
    """The environment for such a command: it finds the same watchman, and no setting of a real home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SONNEN_", "WATCHMAN_"))}
    return {**kept, "PYTHONPATH": str(Path(watchman.__file__).parent.parent)}
