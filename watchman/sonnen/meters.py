"""Inverter and power meter, the two answers beside `status` that the Rust exporter read.

The inverter comes as texts below `status` (v1), as flat numbers (v2) or as another maker's registers (`foreign`), the
power meter as an object keyed `<deviceid>_<channel>` or `0`, `1` (v1, dashboard) or as a list (v2). Meters are told
apart by `direction`, never by their place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from watchman.sonnen.foreign import (
    HYBRID_EXPECTED,
    RADIAN_EXPECTED,
    hybrid_fields,
    is_hybrid,
    is_radian,
    radian_fields,
)
from watchman.sonnen.values import Failure, count_missing, key, mapping, number, three

MAX_METERS = 16

_INVERTER_V1 = ("fac", "pac_total", "tempbdc", "temphmi", "temppu", "uac1")
_INVERTER_V2 = ("fac", "iac_total", "ibat", "pac_total", "pbat", "sac_total", "tmax", "uac", "ubat")
_METER = ("a_l1", "a_l2", "a_l3", "direction", "kwh_imported", "v_l1_n", "v_l2_n", "v_l3_n", "w_total")
_PROBES = {"bdc": "tempbdc", "hmi": "temphmi", "pu": "temppu", "max": "tmax"}


@dataclass(frozen=True, slots=True)
class Inverter:
    """Frequency Hz, volts V, currents A, powers W and VA; + discharge, - charge. Phases and PV strings count from 1."""

    frequency_hz: float | None
    grid_v: tuple[float | None, ...]  # uac1..3; v2 has one value, which is phase 1
    temperature_c: Mapping[str, float]  # by probe: bdc, hmi, pu (v1), max (v2)
    active_power_w: float | None
    apparent_power_va: float | None
    ac_a: float | None
    microgrid_power_w: float | None
    battery_power_w: float | None
    battery_a: float | None
    pv_power_w: tuple[float | None, ...]
    pv_v: tuple[float | None, ...]
    pv_a: tuple[float | None, ...]
    power_factor: float | None
    missing: int


@dataclass(frozen=True, slots=True)
class Meter:
    """One power meter. With `error` other than 0 the device sends zeros that mean nothing: all readings are None."""

    direction: str  # production, consumption, or what else a device says
    device: str
    channel: str
    error: float | None
    current_a: tuple[float | None, ...]
    phase_v: tuple[float | None, ...]
    line_v: tuple[float | None, ...]  # 12, 23, 31
    power_w: tuple[float | None, ...]
    total_power_w: float | None
    total_apparent_va: float | None
    total_reactive_var: float | None
    imported_kwh: float | None
    exported_kwh: float | None
    missing: int


@dataclass(frozen=True, slots=True)
class Meters:
    """All power meters of an answer, ordered by direction, device and channel."""

    meters: tuple[Meter, ...]
    missing: int

    def first(self, direction: str) -> Meter | None:
        """The meter that stands for a direction: the first one without an error, by device and channel."""
        chosen = [meter for meter in self.meters if meter.direction == direction]
        return next((meter for meter in chosen if not meter.error), chosen[0] if chosen else None)


def parse_inverter(answer: object) -> Inverter | Failure:
    """An inverter of any shape; a shape not known gives a reading in which everything is missing."""
    if answer is not None and not isinstance(answer, dict):
        return Failure("bad_shape", "the inverter answer is not a JSON object")
    below = mapping(mapping(answer).get("status"))
    fields = below or mapping(answer)
    if is_hybrid(fields):
        return _inverter(hybrid_fields(fields), HYBRID_EXPECTED)
    if is_radian(fields):
        return _inverter(radian_fields(fields), RADIAN_EXPECTED)
    return _inverter(fields, _INVERTER_V1 if below else _INVERTER_V2)


def parse_powermeter(answer: object) -> Meters | Failure:
    """The power meters of a list or an object; entries that are no meters are passed over."""
    if answer is not None and not isinstance(answer, dict | list):
        return Failure("bad_shape", "the powermeter answer is neither a JSON object nor a list")
    entries = mapping(answer).items() if not isinstance(answer, list) else (("", entry) for entry in answer)
    found = _unique(_meter(place, mapping(entry)) for place, entry in entries if _is_meter(entry))
    if answer and not found:
        return Failure("bad_shape", "the powermeter answer holds no meter with a direction")
    meters = tuple(sorted(found, key=_order)[:MAX_METERS])
    return Meters(meters, sum(meter.missing for meter in meters))


def _inverter(fields: Mapping[str, object], expected: tuple[str, ...]) -> Inverter:
    def value(name: str) -> float | None:
        return number(fields.get(name))

    probes = {probe: value(name) for probe, name in _PROBES.items()}
    return Inverter(
        # v2 answers 0 while it does not measure; no grid has 0 Hz.
        frequency_hz=value("fac") or None,
        grid_v=three(fields, "uac1", "uac2", "uac3") if "uac1" in fields else (value("uac"),),
        temperature_c={probe: degrees for probe, degrees in probes.items() if degrees is not None},
        active_power_w=value("pac_total"),
        apparent_power_va=value("sac_total"),
        ac_a=value("iac_total"),
        microgrid_power_w=value("pac_microgrid"),
        battery_power_w=value("pbat"),
        battery_a=value("ibat"),
        pv_power_w=(value("ppv"), value("ppv2")),
        pv_v=(value("upv"), value("upv2")),
        pv_a=(value("ipv"), value("ipv2")),
        power_factor=value("phi"),
        missing=count_missing(fields, expected),
    )


def _is_meter(entry: object) -> bool:
    direction = mapping(entry).get("direction")
    return isinstance(direction, str) and bool(key(direction))


def _meter(place: str, entry: Mapping[str, object]) -> Meter:
    device, channel = _identity(place, entry)
    error = number(entry.get("error"))
    fields = {} if error else entry

    def value(name: str) -> float | None:
        return number(fields.get(name))

    return Meter(
        direction=key(entry.get("direction")),
        device=device,
        channel=channel,
        error=error,
        current_a=three(fields, "a_l1", "a_l2", "a_l3"),
        phase_v=three(fields, "v_l1_n", "v_l2_n", "v_l3_n"),
        line_v=three(fields, "v_l1_l2", "v_l2_l3", "v_l3_l1"),
        power_w=three(fields, "w_l1", "w_l2", "w_l3"),
        total_power_w=value("w_total"),
        total_apparent_va=value("va_total"),
        total_reactive_var=value("var_total"),
        imported_kwh=value("kwh_imported"),
        exported_kwh=value("kwh_exported"),
        missing=count_missing(entry, _METER),
    )


def _identity(place: str, entry: Mapping[str, object]) -> tuple[str, str]:
    """Device and channel as label values, from the entry or else from its key `<deviceid>_<channel>`."""
    head, _, tail = place.partition("_")
    device, channel = number(entry.get("deviceid")), number(entry.get("channel"))
    return (
        key(head) if device is None else f"{device:g}",
        key(tail) if channel is None else f"{channel:g}",
    )


def _unique(meters: Iterable[Meter]) -> list[Meter]:
    found: dict[tuple[str, str, str], Meter] = {}
    for meter in meters:
        found.setdefault((meter.direction, meter.device, meter.channel), meter)
    return list(found.values())


def _order(meter: Meter) -> tuple[str, float, float, str, str]:
    device, channel = number(meter.device), number(meter.channel)
    return (meter.direction, device or 0.0, channel or 0.0, meter.device, meter.channel)
