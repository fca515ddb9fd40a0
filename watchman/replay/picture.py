"""Pictures of a replay as SVG for a page: a lane for each rule, and the series a rule looks at with what it said."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

from watchman.localtime import day_of, local_day
from watchman.notify.words import number
from watchman.replay.measured import Line, Measured
from watchman.replay.result import Incident, Replay, RuleReplay
from watchman.series import label_key

WIDTH, _LEFT, _RIGHT, _TOP = 720.0, 46.0, 8.0, 8.0
_LANE, _PLOT, _FOOT = 28.0, 150.0, 24.0
_LEAST_WIDTH = 1.5
_MOST_TICKS = 8


class Scale:
    """Where an instant of the range lies across the picture."""

    def __init__(self, replay: Replay) -> None:
        self.start, self.end = replay.start, max(replay.reached, replay.start + 1.0)

    def x(self, ts: float) -> float:
        """Across, in picture units."""
        inside = min(max(ts, self.start), self.end)
        return _LEFT + (inside - self.start) / (self.end - self.start) * (WIDTH - _LEFT - _RIGHT)


def lanes(replay: Replay, zone: ZoneInfo) -> str:
    """One lane for each rule that fired: when, and the messages below."""
    fired = [rule for rule in replay.rules if rule.incidents]
    scale = Scale(replay)
    parts = []
    for index, rule in enumerate(fired):
        top = _TOP + index * (_LANE + 14)
        parts.append(f'<text class="name" x="0" y="{top + 10:.1f}">{escape(rule.rule.name)}</text>')
        parts.append(_rect("lane", _LEFT, top + 13, WIDTH - _LEFT - _RIGHT, _LANE - 8))
        parts += _bars(rule.incidents, scale, top + 13, _LANE - 8, zone)
        parts += _messages(rule, replay, scale, top + _LANE + 9)
    bottom = _TOP + len(fired) * (_LANE + 14)
    parts += _ticks(scale, zone, _TOP, bottom)
    return _svg(parts, bottom + _FOOT, "When each rule fired")


def plot(rule: RuleReplay, measured: Measured, replay: Replay, zone: ZoneInfo) -> str:
    """The series of a rule with its threshold, the times it fired shaded, and its messages."""
    scale = Scale(replay)
    values = [value for line in measured.lines for _, value in line.points if math.isfinite(value)]
    if measured.threshold is not None and math.isfinite(measured.threshold.value):
        values.append(measured.threshold.value)
    low, high = _bounds(values)

    def y(value: float) -> float:
        return _TOP + (high - min(max(value, low), high)) / (high - low) * _PLOT

    parts = _bars(rule.incidents, scale, _TOP, _PLOT, zone)
    for value in _steps(low, high):
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(
            f'<text class="tick" x="{_LEFT - 5}" y="{y(value) + 4:.1f}" text-anchor="end">{number(value)}</text>'
        )
    for index, line in enumerate(measured.lines):
        parts.append(f'<path class="line l{index}" d="{_path(line, measured.step_s, scale, y)}"/>')
    if measured.threshold is not None:
        at = y(measured.threshold.value)
        parts.append(f'<line class="limit" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
    parts += _messages(rule, replay, scale, _TOP + _PLOT + 2)
    parts += _ticks(scale, zone, _TOP, _TOP + _PLOT)
    return _svg(parts, _TOP + _PLOT + _FOOT, f"What {rule.rule.name} looks at")


def _path(line: Line, step_s: float, scale: Scale, y: object) -> str:
    assert callable(y)
    words, last = [], float("-inf")
    for ts, value in line.points:
        if math.isfinite(value):
            words.append(f"{'L' if ts - last < 1.5 * step_s else 'M'}{scale.x(ts):.1f} {y(value):.1f}")
            last = ts
    return "".join(words)


def _bars(incidents: Iterable[Incident], scale: Scale, top: float, height: float, zone: ZoneInfo) -> list[str]:
    parts = []
    for one in incidents:
        left = scale.x(one.firing)
        right = scale.x(scale.end if one.resolved is None else one.resolved)
        parts.append(_rect("fired", left, top, max(_LEAST_WIDTH, right - left), height, _title(one, zone)))
    return parts


def _messages(rule: RuleReplay, replay: Replay, scale: Scale, top: float) -> list[str]:
    """A small mark below the time of every message about the rule."""
    own = {label_key(one.labels) for one in rule.incidents}
    parts = []
    for told in replay.told:
        alerts = (*told.notification.firing, *told.notification.resolved)
        if any(label_key(alert.labels) in own for alert in alerts):
            x = scale.x(told.notification.at)
            text = f"to {told.notification.receiver}: {told.message.title}"
            shape = f"M{x:.1f} {top:.1f}l3.5 6h-7z"
            parts.append(f'<path class="told" d="{shape}"><title>{escape(text)}</title></path>')
    return parts


def _ticks(scale: Scale, zone: ZoneInfo, top: float, bottom: float) -> Iterator[str]:
    for ts, text in _moments(scale.start, scale.end, zone):
        x = scale.x(ts)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>'
        anchor = "end" if x > WIDTH - 30 else "middle"
        yield f'<text class="tick" x="{x:.1f}" y="{bottom + 18:.1f}" text-anchor="{anchor}">{text}</text>'


def _moments(start: float, end: float, zone: ZoneInfo) -> list[tuple[float, str]]:
    """Local midnights, or hours where the range is short, at most eight."""
    days = math.ceil((end - start) / 86400)
    if days <= 2:
        every = max(1, math.ceil((end - start) / 3600 / _MOST_TICKS)) * 3600
        first = math.ceil(start / every) * every
        hours = range(int(first), int(end) + 1, int(every))
        return [(float(ts), f"{datetime.fromtimestamp(ts, zone):%H:%M}") for ts in hours]
    every_days = max(1, math.ceil(days / _MOST_TICKS))
    first_day = day_of(start, zone)
    found = []
    for offset in range(0, days + 2, every_days):
        day = first_day + timedelta(days=offset)
        ts = local_day(day, zone)[0]
        if start <= ts <= end:
            found.append((ts, f"{day.day} {_MONTHS[day.month - 1]}"))
    return found


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        # A level line lies in the middle, whatever its size.
        pad = max(1.0, abs(low) * 0.1)
        low, high = low - pad, high + pad
    if 0 < low < high / 2:
        low = 0.0
    return low, high + (high - low) * 0.05


def _steps(low: float, high: float) -> list[float]:
    """Three to six round values between two bounds."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _title(one: Incident, zone: ZoneInfo) -> str:
    began = f"{datetime.fromtimestamp(one.firing, zone):%Y-%m-%d %H:%M}"
    ended = "" if one.resolved is None else f" to {datetime.fromtimestamp(one.resolved, zone):%Y-%m-%d %H:%M}"
    return f"{began}{ended}, value {number(one.value)}"


def _rect(name: str, x: float, y: float, width: float, height: float, title: str = "") -> str:
    inside = f"<title>{escape(title)}</title>" if title else ""
    return f'<rect class="{name}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}">{inside}</rect>'


def _svg(parts: Iterable[str], height: float, label: str) -> str:
    head = f'<svg viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-label="{escape(label)}">'
    return f"{head}{''.join(parts)}</svg>"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
