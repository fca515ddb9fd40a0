"""The small chart of a push: one expression over the hours around an alert, 600 x 300 px, a few KB, local time."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from io import BytesIO
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from watchman.series import Series

# Okabe and Ito's colours, safe for the colour-blind.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#333333")
_ALERT, _INK, _FAINT = "#D55E00", "#333333", "#DDDDDD"
_SIZE_IN, _DPI, _FONT_PT = (6.0, 3.0), 100, 11
_TICKS = 7
_TICK_HOURS = (1, 2, 3, 4, 6, 12, 24, 48)
_UNITS = {"watts": "W", "percent": "%", "celsius": "°C", "volts": "V", "amperes": "A", "hertz": "Hz", "seconds": "s"}


def push_chart(
    series: Sequence[Series], start: float, end: float, since: float, zone: ZoneInfo, unit: str, step_s: float
) -> bytes:
    """PNG of at most six series; `since` is marked. Raises ValueError if there is nothing to draw."""
    if not any(one.times for one in series):
        raise ValueError("the expression gives no series")
    scale, shown = _scale(series, unit)
    figure = Figure(figsize=_SIZE_IN, dpi=_DPI, facecolor="white")
    axes = figure.add_axes((0.085, 0.115, 0.895, 0.79))
    names = _names(series[: len(_COLOURS)])
    for one, colour, name in zip(series, _COLOURS, names, strict=False):
        times, values = _with_gaps(one, step_s)
        axes.plot(times, [value * scale for value in values], color=colour, linewidth=1.5, label=name)
    if start < since < end:
        axes.axvspan(since, end, color=_ALERT, alpha=0.09, linewidth=0)
        axes.axvline(since, color=_ALERT, linewidth=1.2)
    _frame(axes, start, end, zone, shown)
    if len(names) > 1:
        axes.legend(loc="upper left", fontsize=_FONT_PT - 2, frameon=True, framealpha=0.8, edgecolor="none")
    return _png(figure)


def unit_of(expr: str) -> str:
    """The unit that the name of an expression's first metric ends in; empty if it names none."""
    found = re.search(rf"_({'|'.join(_UNITS)})(?:_total)?\b", expr)
    return _UNITS[found.group(1)] if found else ""


def ticks(start: float, end: float, zone: ZoneInfo) -> list[tuple[float, str]]:
    """Whole local hours, or days where a chart is long: at most seven."""
    hours = next((h for h in _TICK_HOURS if (end - start) / 3600 / h <= _TICKS), _TICK_HOURS[-1])
    at = datetime.fromtimestamp(start, zone).replace(minute=0, second=0, microsecond=0)
    found = []
    while at.timestamp() <= end:
        days = at.toordinal()
        if at.timestamp() >= start and at.hour % min(hours, 24) == 0 and (hours <= 24 or days % 2 == 0):
            # Not strftime's names: those follow the process' locale.
            day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[at.weekday()]
            found.append((at.timestamp(), day if hours >= 24 else f"{at:%H:%M}"))
        at = (at.astimezone(ZoneInfo("UTC")) + timedelta(hours=1)).astimezone(zone)
    return found


def _scale(series: Sequence[Series], unit: str) -> tuple[float, str]:
    """Watts are shown as kW where there are many."""
    highest = max((abs(value) for one in series for value in one.values if math.isfinite(value)), default=0.0)
    return (0.001, "kW") if unit == "W" and highest >= 1000 else (1.0, unit)


def _names(series: Sequence[Series]) -> list[str]:
    """Each series by the labels in which they differ."""
    labels = {name for one in series for name in one.labels if len({other.labels.get(name) for other in series}) > 1}
    return [", ".join(one.labels[name] for name in sorted(labels) if one.labels.get(name))[:40] for one in series]


def _with_gaps(one: Series, step_s: float) -> tuple[list[float], list[float]]:
    """The samples with a hole in the line where some are missing."""
    times, values = [one.times[0]] if one.times else [], list(one.values[:1])
    for (before, at), value in zip(pairwise(one.times), one.values[1:], strict=True):
        if at - before > 1.5 * step_s:
            times.append(before + step_s)
            values.append(float("nan"))
        times.append(at)
        values.append(value)
    return times, values


def _frame(axes: Any, start: float, end: float, zone: ZoneInfo, unit: str) -> None:
    axes.set_xlim(start, end)
    low, high = axes.get_ylim()
    if unit in ("W", "kW", "%"):
        # A quiet hour does not fill the picture with noise, and zero is where one expects it.
        axes.set_ylim(min(low, 0.0), max(high, 0.0) * 1.05 if high > 0 else 0.1)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    axes.grid(axis="y", color=_FAINT, linewidth=0.7)
    axes.set_axisbelow(True)
    marks = ticks(start, end, zone)
    axes.set_xticks([ts for ts, _ in marks], [label for _, label in marks])
    axes.tick_params(labelsize=_FONT_PT, colors=_INK, length=3, pad=2)
    axes.text(0.0, 1.02, unit, transform=axes.transAxes, ha="right", va="bottom", fontsize=_FONT_PT, color=_INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _png(figure: Figure) -> bytes:
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    size = canvas.get_width_height()
    picture = Image.frombuffer("RGBA", size, canvas.buffer_rgba(), "raw", "RGBA", 0, 1).convert("RGB")
    out = BytesIO()
    small = picture.quantize(colors=32, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small.save(out, format="PNG", optimize=True)
    return out.getvalue()
