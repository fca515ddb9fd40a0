"""`watchman simulate`: the simulated battery behind the HTTP API of a real one, with faults on demand.

v1 answers without a token; of v2 only the status does, as on the device. Beside the device's own paths there is
`/simulation`: GET tells what has truly flowed, POST scripts a power cut or a load, or sets the fault.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zoneinfo import ZoneInfo

from watchman.errors import UsageError
from watchman.sonnen.simulator import Home, Reading, Settings
from watchman.sonnen.simulator.generations import GENERATIONS

FAULTS = ("none", "401", "timeout", "html404", "nulls", "half-body", "slow", "restart-nightly", "frozen")
APIS = tuple(GENERATIONS)
_OPEN_V2 = "/api/v2/status"
_NOT_FOUND_PAGE = b"<!DOCTYPE html><html><body><h1>Something went wrong</h1><p>Page not found</p></body></html>"
_MAX_BODY = 65536


@dataclass(slots=True)
class Device:
    """A home and how its battery behaves on the network. `lock` guards the home: requests come from many threads."""

    home: Home
    now: Callable[[], float]
    token: str = ""
    api: str = "both"
    fault: str = "none"
    slow_s: float = 12.0
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopping: threading.Event = field(default_factory=threading.Event)
    frozen: Reading | None = None

    def read(self) -> Reading:
        """The home now; with the fault `frozen` the home as it was at the first look after the fault was set."""
        with self.lock:
            reading = self.home.advance(self.now())
            if self.fault != "frozen":
                self.frozen = None
                return reading
            self.frozen = self.frozen or reading
            return self.frozen

    def truth(self) -> Reading:
        """The home now, whatever the fault."""
        with self.lock:
            return self.home.advance(self.now())

    def script(self, wish: dict[str, Any]) -> None:
        """Take one wish; times are unix seconds. Raises UsageError on anything else.

        `{"grid_outage": {"start", "end"}}` (without an end it lasts), `{"grid_returns": {"at"}}`,
        `{"big_load": {"start", "end", "watts"}}`, `{"fault": name}`.
        """
        try:
            with self.lock:
                self._script(wish)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(f"not understood ({error}): give grid_outage, grid_returns, big_load or fault") from error

    def _script(self, wish: dict[str, Any]) -> None:
        if "grid_outage" in wish:
            cut = wish["grid_outage"]
            self.home.grid_outage(float(cut["start"]), float(cut.get("end", math.inf)))
        elif "grid_returns" in wish:
            self.home.grid_returns(float(wish["grid_returns"]["at"]))
        elif "big_load" in wish:
            load = wish["big_load"]
            self.home.big_load(float(load["start"]), float(load["end"]), int(load["watts"]))
        elif wish["fault"] in FAULTS:
            self.fault = wish["fault"]
        else:
            raise ValueError(f"fault {wish['fault']!r}; there are {', '.join(FAULTS)}")


class Server(ThreadingHTTPServer):
    """The device's HTTP server. `close()` ends it and every answer it is holding back."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], device: Device) -> None:
        super().__init__(address, _Handler)
        self.device = device

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> None:
        """Serve in a thread of its own."""
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop serving and free the port."""
        self.device.stopping.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error of the device; anything else is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "lighttpd"
    sys_version = ""
    timeout = 60
    server: Server

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].rstrip("/")
        device = self.server.device
        if path == "/simulation":
            self._json(200, _truth(device.truth()))
        elif device.fault == "timeout":
            device.stopping.wait(self.timeout)
            self.close_connection = True
        elif device.fault == "restart-nightly" and device.truth().silent:
            self.close_connection = True
        else:
            self._answer(path, device)

    def do_POST(self) -> None:
        if self.path != "/simulation":
            self._json(405, {"error": "Method Not Allowed"})
            return
        try:
            length = min(int(self.headers.get("Content-Length") or 0), _MAX_BODY)
            self.server.device.script(json.loads(self.rfile.read(length)))
        except (UsageError, ValueError) as error:
            self._json(400, {"error": str(error)})
        else:
            self._json(200, {"ok": True})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """A battery keeps no access log."""

    def _answer(self, path: str, device: Device) -> None:
        make = GENERATIONS[device.api].get(path)
        v2 = path.startswith("/api/v2/")
        if device.fault == "html404":
            self._send(404, _NOT_FOUND_PAGE, "text/html")
        elif make is None:
            self._json(404, {"error": "404 Not Found"})
        elif v2 and path != _OPEN_V2 and not self._may_read(device):
            self._json(401, {"error": "Unauthorized"})
        else:
            answer = make(device.read())
            if isinstance(answer, str):
                self._send(200, answer.encode(), "text/plain")
            else:
                self._json(200, _without_values(answer) if device.fault == "nulls" else answer)

    def _may_read(self, device: Device) -> bool:
        token = self.headers.get("Auth-Token", "")
        return device.fault != "401" and (not device.token or token == device.token)

    def _json(self, status: int, answer: object) -> None:
        self._send(status, json.dumps(answer).encode(), "application/json; charset=utf-8")

    def _send(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        device, half = self.server.device, len(body) // 2
        if self.path == "/simulation" or device.fault not in ("half-body", "slow"):
            self.wfile.write(body)
            return
        self.wfile.write(body[:half])
        self.wfile.flush()
        if device.fault == "half-body":
            self.close_connection = True
        elif not device.stopping.wait(device.slow_s):
            self.wfile.write(body[half:])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the simulated batteries until they are told to end. Prints their addresses once they answer."""
    options = _parser().parse_args(argv)
    try:
        servers = _open(options)
    except (OSError, ValueError, OverflowError) as error:
        sys.stderr.write(f"simulate: cannot listen on {options.listen}: {error}; give a free --listen HOST:PORT\n")
        return 1
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    for server in servers:
        server.start()
        sys.stdout.write(f"simulated battery on {server.url}, fault: {options.fault}\n")
    sys.stdout.flush()
    ending.wait()
    for server in servers:
        server.close()
    return 0


def _open(options: argparse.Namespace) -> list[Server]:
    """The servers, each a home of its own, on ports that follow one another; port 0 is any free port for each."""
    host, _, port = options.listen.rpartition(":")
    servers = []
    for index in range(options.batteries):
        device = Device(_home(options, index), time.time, options.token, options.api, options.fault)
        device.truth()
        servers.append(Server((host, int(port) + index if int(port) else 0), device))
    return servers


def _home(options: argparse.Namespace, index: int) -> Home:
    seed = options.seed + index
    settings = Settings(seed=seed, latitude=options.latitude, longitude=options.longitude, timezone=options.tz)
    return Home(settings, options.since if options.since is not None else time.time() - 2 * 86400, options.charge)


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 100:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 100")


def _zone_name(text: str) -> str:
    try:
        ZoneInfo(text)
    except (OSError, ValueError, LookupError) as error:
        raise argparse.ArgumentTypeError(f"no time zone {text!r}, give one such as Europe/Berlin") from error
    return text


def _parser() -> argparse.ArgumentParser:
    home = Settings()
    parser = argparse.ArgumentParser(prog="watchman simulate", description="A simulated Sonnen battery.")
    parser.add_argument(
        "--listen", default="127.0.0.1:8080", metavar="HOST:PORT", help="where to answer; default: 127.0.0.1:8080"
    )
    parser.add_argument(
        "--fault", default="none", choices=FAULTS, help="how the battery misbehaves; default: not at all"
    )
    parser.add_argument("--api", default="both", choices=APIS, help="which generation answers")
    parser.add_argument("--batteries", type=_count, default=1, help="how many, on ports that follow one another")
    parser.add_argument("--token", default="", help="the Auth-Token v2 asks for; empty: none")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another home and weather")
    parser.add_argument("--since", type=float, help="unix seconds from which the home has run; default two days ago")
    parser.add_argument(
        "--charge", type=float, default=50, metavar="PERCENT", help="the battery's charge at that moment"
    )
    parser.add_argument("--latitude", type=float, default=home.latitude, help="of the home, in degrees")
    parser.add_argument("--longitude", type=float, default=home.longitude, help="of the home, in degrees")
    parser.add_argument("--tz", type=_zone_name, default=home.timezone, help="time zone of the home")
    return parser


def _truth(reading: Reading) -> dict[str, object]:
    return {
        "ts": reading.ts,
        "on_grid": reading.on_grid,
        "charge_percent": reading.charge_percent,
        "energy": asdict(reading.energy),
    }


def _without_values(answer: object) -> object:
    """The same shape with every value null."""
    if isinstance(answer, dict):
        return {key: _without_values(value) for key, value in answer.items()}
    if isinstance(answer, list):
        return [_without_values(value) for value in answer]
    return None


if __name__ == "__main__":
    sys.exit(main())
