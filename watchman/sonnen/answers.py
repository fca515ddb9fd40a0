"""Which endpoints each generation of the API has, where they are and how their answers are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from watchman.sonnen.details import (
    Battery,
    Configurations,
    Latest,
    Pins,
    parse_battery,
    parse_configurations,
    parse_latest,
    parse_pins,
)
from watchman.sonnen.eco import PARTS, is_tree, parse_tree
from watchman.sonnen.meters import Inverter, Meters, parse_inverter, parse_powermeter
from watchman.sonnen.status import Status, parse_status
from watchman.sonnen.values import Failure, load_json

Reading = Status | Latest | Battery | Configurations | Pins | Inverter | Meters


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing to ask for. `interval_s` is how often, None the system's own `poll_seconds`.

    With `parts` each of them is asked for by itself, below `path`, and the answer is the object they make together.
    """

    path: str
    interval_s: float | None
    parts: tuple[str, ...] = ()


# Only v2 wants a token, and its status does without.
ENDPOINTS: Mapping[str, Mapping[str, Endpoint]] = {
    "v2": {
        "status": Endpoint("/api/v2/status", None),
        "inverter": Endpoint("/api/v2/inverter", 60.0),
        "powermeter": Endpoint("/api/v2/powermeter", 60.0),
        "battery": Endpoint("/api/v2/battery", 60.0),
        "latestdata": Endpoint("/api/v2/latestdata", 60.0),
        "io": Endpoint("/api/v2/io", 600.0),
        "configurations": Endpoint("/api/v2/configurations", 600.0),
    },
    "v1": {
        "status": Endpoint("/api/v1/status", None),
        "inverter": Endpoint("/api/inverter", 60.0),
        "powermeter": Endpoint("/api/powermeter", 60.0),
        "battery": Endpoint("/api/battery", 60.0),
        # Only some have it, and beside the flags it repeats the status.
        "latestdata": Endpoint("/api/latestdata", 60.0),
    },
    # The generation of eco 4 to 7; later firmwares of it answer the values of the tree only one by one.
    "eco": {"status": Endpoint("/rest/devices/battery", None)},
    "eco-parts": {"status": Endpoint("/rest/devices/battery", 15.0, PARTS)},
}

_PARSERS: Mapping[str, Callable[[object], Reading | Failure]] = {
    "status": lambda answer: parse_tree(answer) if is_tree(answer) else parse_status(answer),
    "latestdata": parse_latest,
    "battery": parse_battery,
    "configurations": parse_configurations,
    "io": parse_pins,
    "inverter": parse_inverter,
    "powermeter": parse_powermeter,
}


def read_answer(endpoint: str, body: bytes) -> Reading | Failure:
    """The reading in an answer's body, or why there is none. Never raises, whatever the bytes are."""
    answer = load_json(body)
    if isinstance(answer, Failure):
        return answer
    if isinstance(answer, dict) and set(answer) == {"error"}:
        return Failure("bad_shape", f"the battery answered an error to {endpoint}: {str(answer['error'])[:80]!r}")
    return _PARSERS[endpoint](answer)
