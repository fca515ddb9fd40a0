"""Real servers for integration tests, on free loopback ports and in a directory of the test's own.

Import from a test as `from servers import ...`; most tests only need the fixtures of `conftest.py`.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from watchman.series import Series

START_LIMIT_S = 20.0
STOP_LIMIT_S = 5.0

_PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
}
# Upstream's own archives name the program plainly, Debian's package with a prefix.
_OTHER_NAMES = {"prometheus-alertmanager": "alertmanager"}


@dataclass(slots=True)
class Server:
    """A running server: its base URL without a trailing slash, its process, its files, its log."""

    name: str
    url: str
    port: int
    directory: Path
    process: subprocess.Popen[bytes]
    log_file: Path
    command: list[str] = field(default_factory=list)

    def stop(self) -> None:
        """Ends the process politely and, if it does not listen, for good."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """Ends the process at once, as a power cut would."""
        self.process.kill()
        self.process.wait(STOP_LIMIT_S)

    def log(self, last_lines: int = 40) -> str:
        """The last lines the server wrote."""
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-last_lines:])


def binary(name: str) -> str:
    """The path of a server program; fails the test with one line that says what to install."""
    found = shutil.which(name) or shutil.which(_OTHER_NAMES.get(name, name))
    if found is None:
        package = _PACKAGES.get(name, name)
        raise AssertionError(f"{name} is not on PATH: run `sudo apt-get install -y --no-install-recommends {package}`")
    return found


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_prometheus(
    directory: Path,
    *,
    config: Mapping[str, Any] | None = None,
    history: Iterable[Series] = (),
    args: Sequence[str] = (),
    port: int | None = None,
) -> Server:
    """A real Prometheus whose data lives in `directory`; `history` is backfilled before it starts.

    `config` is the content of prometheus.yml (default: no scrape jobs, 1 s intervals). A second start on the same
    directory continues with the same data. The remote-write receiver, reload and admin API are on.
    """
    directory.mkdir(parents=True, exist_ok=True)
    data = directory / "data"
    history = list(history)
    if history:
        create_blocks(data, history)
    config_file = directory / "prometheus.yml"
    defaults = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}}
    config_file.write_text(yaml.safe_dump({**defaults, **(config or {})}))
    port = port or free_port()
    command = [
        binary("prometheus"),
        f"--config.file={config_file}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=10y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--web.enable-lifecycle",
        "--web.enable-admin-api",
        *args,
    ]
    return _start("prometheus", command, port, directory)


def start_alertmanager(
    directory: Path, *, config: Mapping[str, Any] | None = None, args: Sequence[str] = (), port: int | None = None
) -> Server:
    """A real Alertmanager; `config` is the content of alertmanager.yml (default: one receiver that sends nowhere).

    It forms no cluster unless `args` hold a `--cluster.listen-address` with a value.
    """
    directory.mkdir(parents=True, exist_ok=True)
    config_file = directory / "alertmanager.yml"
    defaults = {"route": {"receiver": "nowhere"}, "receivers": [{"name": "nowhere"}]}
    config_file.write_text(yaml.safe_dump(dict(config or defaults)))
    port = port or free_port()
    alone = [] if any(arg.startswith("--cluster.listen-address") for arg in args) else ["--cluster.listen-address="]
    command = [
        binary("prometheus-alertmanager"),
        f"--config.file={config_file}",
        f"--storage.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *alone,
        *args,
    ]
    return _start("alertmanager", command, port, directory)


def create_blocks(data: Path, series: Iterable[Series]) -> None:
    """Writes `series` as blocks into a Prometheus data directory. The server must not be running on it."""
    data.mkdir(parents=True, exist_ok=True)
    source = data.parent / "history.om"
    with source.open("w") as out:
        write_openmetrics(out, series)
    # By default promtool reads the whole file again for every two hours of data: a month takes minutes, so not seconds.
    command = [
        binary("promtool"),
        "tsdb",
        "create-blocks-from",
        "--max-block-duration=744h",
        "openmetrics",
        source,
        data,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"promtool made no blocks: {done.stdout[-500:]}{done.stderr[-500:]}"
    source.unlink()


def write_openmetrics(out: IO[str], series: Iterable[Series]) -> None:
    """OpenMetrics text with time stamps: one family after the other, closed by `# EOF`."""
    for one in sorted(series, key=lambda item: item.labels["__name__"]):
        pairs = (f'{n}="{_escaped(v)}"' for n, v in sorted(one.labels.items()) if n != "__name__")
        head = f"{one.labels['__name__']}{{{','.join(pairs)}}}"
        out.writelines(f"{head} {v!r} {t:.3f}\n" for t, v in zip(one.times, one.values, strict=True))
    out.write("# EOF\n")


def wait_for(condition: Any, limit_s: float = START_LIMIT_S, what: str = "the condition") -> Any:
    """Polls `condition()` until it gives something true and returns that; fails after `limit_s`."""
    end = time.monotonic() + limit_s
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < end, f"{what} did not come true within {limit_s:g} s"
        time.sleep(0.05)


def is_ready(url: str) -> bool:
    """True when the server at `url` says that it can work."""
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _start(name: str, command: list[str], port: int, directory: Path) -> Server:
    log_file = directory / f"{name}.log"
    with log_file.open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    server = Server(name, f"http://127.0.0.1:{port}", port, directory, process, log_file, command)
    end = time.monotonic() + START_LIMIT_S
    while not is_ready(server.url):
        if process.poll() is not None or time.monotonic() > end:
            server.stop()
            raise AssertionError(f"{name} did not become ready:\n{server.log()}")
        time.sleep(0.05)
    return server


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
