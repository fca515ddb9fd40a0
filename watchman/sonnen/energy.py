"""Energy summed up from the polled powers, because no Sonnen counts what the grid and the battery took and gave.

Between two samples a power is taken to run in a straight line; what lies above zero of it counts. Two samples more than
MAX_GAP_S apart have nothing between them. Powers in W, energies in J, times in unix seconds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from watchman.sonnen.status import Status

MAX_GAP_S = 300.0
MAX_POWER_W = 1e6  # no home has that: an answer gone wrong
FLOWS = ("battery_charge", "battery_discharge", "consumption", "grid_export", "grid_import", "production")
FORMAT = 1

Battery = tuple[str, str]  # host and sn, as on the series
Energies = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Sums:
    """What flowed so far, and the powers it goes on from."""

    energy_j: Energies = field(default_factory=dict)
    power_w: Energies = field(default_factory=dict)
    unix: float = 0.0


def counted(sums: Sums, status: Status, unix: float) -> Sums:
    """The sums with one more sample. A clock that was set back counts nothing."""
    power_w = flows_w(status)
    gap_s = unix - sums.unix
    energy_j = {flow: sums.energy_j.get(flow, 0.0) for flow in FLOWS if flow in sums.energy_j or flow in power_w}
    if 0 < gap_s <= MAX_GAP_S:
        for flow in power_w.keys() & sums.power_w.keys():
            energy_j[flow] += area_j(sums.power_w[flow], power_w[flow], gap_s)
    return Sums(energy_j, power_w, unix)


def flows_w(status: Status) -> dict[str, float]:
    """The power of each flow that is known; one of the wrong direction is negative."""
    discharge_w, feed_in_w = status.discharge_w, status.grid_feed_in_w
    signed = {
        "battery_charge": None if discharge_w is None else -discharge_w,
        "battery_discharge": discharge_w,
        "consumption": status.consumption_w,
        "grid_export": feed_in_w,
        "grid_import": None if feed_in_w is None else -feed_in_w,
        "production": status.production_w,
    }
    return {flow: watts for flow, watts in signed.items() if watts is not None and abs(watts) <= MAX_POWER_W}


def area_j(first_w: float, last_w: float, length_s: float) -> float:
    """What lies above zero under the straight line between two powers."""
    high, low = max(first_w, last_w), min(first_w, last_w)
    if high <= 0:
        return 0.0
    return (high + low) / 2 * length_s if low >= 0 else high / 2 * length_s * high / (high - low)


def write_sums(sums: Mapping[Battery, Sums]) -> str:
    """The text kept on disk."""
    batteries = [
        {"host": host, "sn": sn, "unix": one.unix, "energy_j": dict(one.energy_j), "power_w": dict(one.power_w)}
        for (host, sn), one in sorted(sums.items())
    ]
    return json.dumps({"format": FORMAT, "batteries": batteries}, indent=1) + "\n"


def read_sums(text: str) -> dict[Battery, Sums]:
    """What `write_sums` wrote. Raises ValueError on anything else."""
    try:
        kept = json.loads(text)
        if kept["format"] != FORMAT:
            raise ValueError(f"format {kept['format']!r} is not {FORMAT}")
        return {
            (str(one["host"]), str(one["sn"])): Sums(
                _numbers(one["energy_j"], 0.0), _numbers(one["power_w"], -MAX_POWER_W), float(one["unix"])
            )
            for one in kept["batteries"]
        }
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError(f"not the energy sums of this exporter ({type(error).__name__})") from error


def _numbers(given: Mapping[str, object], least: float) -> dict[str, float]:
    known = {flow: float(str(value)) for flow, value in given.items() if flow in FLOWS}
    if not all(math.isfinite(value) and value >= least for value in known.values()):
        raise ValueError("an energy is not a number of at least 0")
    return known
