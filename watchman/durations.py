"""Durations as Prometheus writes them: `1h30m`, units from big to small, each at most once."""

from __future__ import annotations

import re

_UNITS_S = {"y": 365 * 86400.0, "w": 7 * 86400.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PATTERN = re.compile(
    r"(?:(?P<y>\d+)y)?(?:(?P<w>\d+)w)?(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+)s)?(?:(?P<ms>\d+)ms)?"
)
# Prometheus keeps durations as 64-bit nanoseconds, so it refuses what does not fit.
_MAX_MS = (2**63 - 1) // 1_000_000


def parse_duration(text: str) -> float:
    """Seconds of a duration such as `90s`, `1d12h` or `0`; raises ValueError with the text Prometheus uses."""
    if text == "0":
        return 0.0
    if text == "":
        raise ValueError("empty duration string")
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f'not a valid duration string: "{text}"')
    milliseconds = sum(int(n) * round(_UNITS_S[unit] * 1000) for unit, n in match.groupdict().items() if n)
    if milliseconds > _MAX_MS:
        raise ValueError("duration out of range")
    return milliseconds / 1000


def format_duration(seconds: float) -> str:
    """The shortest exact form, as Prometheus prints it: years and weeks only where nothing is left over."""
    rest_ms = round(seconds * 1000)
    if rest_ms == 0:
        return "0s"
    parts = []
    for unit, exact_only in (
        ("y", True),
        ("w", True),
        ("d", False),
        ("h", False),
        ("m", False),
        ("s", False),
        ("ms", False),
    ):
        unit_ms = round(_UNITS_S[unit] * 1000)
        if exact_only and rest_ms % unit_ms:
            continue
        count, rest_ms = divmod(rest_ms, unit_ms)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)
