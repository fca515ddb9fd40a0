"""The one big chart of a day as a small PNG: sun, house, battery, grid in kW, the state of charge on the right.

600 px wide at twice the pixels; colours of Okabe and Ito, safe for the colour-blind; local time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from datetime import time as clock_time
from io import BytesIO
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from PIL import Image

from watchman.energy.curve import MINUTE_S
from watchman.energy.slots import Role
from watchman.localtime import local_moment
from watchman.report.day import DayReport
from watchman.report.site import Incident

SUN, HOUSE, BATTERY, GRID, CHARGE = "#E69F00", "#0072B2", "#009E73", "#CC79A7", "#333333"
_INK, _FAINT = "#333333", "#DDDDDD"
_SIZE_IN, _DPI, _FONT_PT = (6.0, 3.7), 200, 11.5
_PALETTES = (64, 32, 16)
_MOST_BYTES = 60_000
_NAN = float("nan")
_MOST_FLAGS = 5
_FLAG_SHARE = 0.035


def day_chart(report: DayReport) -> bytes:
    """PNG of the day, 1200 px wide to be shown at 600; under 60 KB."""
    figure = Figure(figsize=_SIZE_IN, dpi=_DPI, facecolor="white")
    axes = figure.add_axes((0.075, 0.09, 0.845, 0.755))
    times = [report.curve.start + i * MINUTE_S for i in range(_minutes(report))]
    _powers(axes, report, times)
    _frame(axes, report)
    charge = _charge(axes, report, times)
    _holes(axes, report)
    _flags(axes, report)
    _legend(figure, report, with_charge=charge)
    return _png(figure)


def _minutes(report: DayReport) -> int:
    return round((report.curve.end - report.curve.start) / MINUTE_S)


def _kilowatts(report: DayReport, role: Role, sign: float = 1.0) -> list[float] | None:
    means = report.curve.means(role)
    if not any(value is not None for value in means):
        return None
    return [_NAN if value is None else sign * value / 1000 for value in means]


def _powers(axes: Any, report: DayReport, times: Sequence[float]) -> None:
    """Sun as an area, the rest as lines. Battery and grid are above zero where they feed the house."""
    sun = _kilowatts(report, Role.PRODUCTION)
    if sun is not None:
        axes.fill_between(times, sun, 0, color=SUN, alpha=0.55, linewidth=0)
    for role, colour, sign, width in (
        (Role.GRID_FEED_IN, GRID, -1.0, 1.1),
        (Role.BATTERY_DISCHARGE, BATTERY, 1.0, 1.1),
        (Role.CONSUMPTION, HOUSE, 1.0, 1.3),
    ):
        line = _kilowatts(report, role, sign)
        if line is not None:
            axes.plot(times, line, color=colour, linewidth=width, solid_joinstyle="round")


def _frame(axes: Any, report: DayReport) -> None:
    start, end = report.period.start, report.period.end
    axes.set_xlim(start, end)
    low, high = axes.get_ylim()
    # Room above the curves keeps the flags off them; a quiet night does not fill the picture with noise.
    axes.set_ylim(min(low, -0.5), max(high, 1.0) * 1.08)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=9, steps=[1, 2, 5, 10]))
    axes.axhline(0, color=_INK, linewidth=0.8)
    axes.grid(axis="y", color=_FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    ticks = hour_ticks(report)
    axes.set_xticks([ts for ts, _ in ticks], [label for _, label in ticks])
    axes.tick_params(labelsize=_FONT_PT, colors=_INK, length=3, pad=2)
    axes.text(0.0, 1.015, "kW", transform=axes.transAxes, ha="right", fontsize=_FONT_PT, color=_INK)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)


def hour_ticks(report: DayReport) -> list[tuple[float, str]]:
    """Every fourth local hour, 0 to 24, and a whole hour that happens twice, twice."""
    zone, start, end = report.site.zone, report.period.start, report.period.end
    marks = [local_moment(report.day, clock_time(hour), zone) for hour in range(0, 24, 4)]
    if _offset(report, start) - _offset(report, end) >= timedelta(hours=1):
        marks += _doubled_hours(report)
    inside = sorted({ts for ts in marks if start <= ts < end})
    return [*((ts, str(datetime.fromtimestamp(ts, zone).hour)) for ts in inside), (end, "24")]


def _offset(report: DayReport, ts: float) -> timedelta:
    return datetime.fromtimestamp(ts, report.site.zone).utcoffset() or timedelta(0)


def _doubled_hours(report: DayReport) -> list[float]:
    """Both beginnings of the hour the clock runs through twice."""
    zone = report.site.zone
    first = next(
        ts
        for ts in range(int(report.period.start), int(report.period.end), 900)
        if datetime.fromtimestamp(ts, zone).fold
    )
    back_s = (_offset(report, report.period.start) - _offset(report, report.period.end)).total_seconds()
    return [first - back_s, float(first)]


def _charge(axes: Any, report: DayReport, times: Sequence[float]) -> bool:
    """State of charge and reserve on a second axis, 0 to 100 %; False where there is none."""
    percent = report.curve.means(Role.STATE_OF_CHARGE)
    if not any(value is not None for value in percent):
        return False
    right = axes.twinx()
    right.set_ylim(-4, 105)
    right.set_yticks([0, 50, 100])
    right.tick_params(labelsize=_FONT_PT, colors=_INK, length=0, pad=3)
    right.text(1.005, 1.015, "%", transform=axes.transAxes, ha="left", fontsize=_FONT_PT, color=_INK)
    right.plot(times, [_NAN if p is None else p for p in percent], color=CHARGE, linewidth=1.0)
    reserve = _reserve(report)
    if reserve is not None:
        right.axhline(reserve, color=CHARGE, linewidth=0.8, linestyle=(0, (2, 3)))
    for spine in right.spines.values():
        spine.set_visible(False)
    return True


def _reserve(report: DayReport) -> float | None:
    """The highest backup buffer of the day, else the configured reserve.

    On the raw scale the buffer moves with the charge and is highest near the reserve, where the line is looked at.
    """
    buffer = [value for value in report.curve.means(Role.BACKUP_BUFFER) if value is not None]
    return max(buffer) if buffer else report.site.reserve_percent


def _holes(axes: Any, report: DayReport) -> None:
    for hole in report.story.holes:
        axes.axvspan(
            hole.start, hole.end, facecolor="#F4F4F4", edgecolor="#AAAAAA", hatch="////", linewidth=0, zorder=3
        )


def _flags(axes: Any, report: DayReport) -> None:
    """A numbered flag at the top where an alert began, as numbered in the list of alerts."""
    start, end = report.period.start, report.period.end
    margin = 0.015 * (end - start)
    free_from = start + margin
    for number, incident in flagged(report):
        at = max(incident.started, start)
        axes.axvline(at, color="#D55E00", linewidth=0.8, linestyle=(0, (1, 2)), zorder=4)
        # Alerts that began together stand side by side.
        place = min(max(at, free_from), end - margin)
        free_from = place + _FLAG_SHARE * (end - start)
        box = {"boxstyle": "round,pad=0.2", "facecolor": "#D55E00", "edgecolor": "none"}
        axes.annotate(
            str(number),
            (place, 1.0),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="top",
            fontsize=_FONT_PT - 1.5,
            color="white",
            fontweight="bold",
            bbox=box,
            zorder=5,
        )


def flagged(report: DayReport) -> list[tuple[int, Incident]]:
    """The alerts that get a flag, numbered from 1 in the order they began."""
    return list(enumerate(report.incidents[:_MOST_FLAGS], start=1))


def _legend(figure: Figure, report: DayReport, *, with_charge: bool) -> None:
    entries: list[tuple[Any, str]] = []
    if _kilowatts(report, Role.PRODUCTION) is not None:
        entries.append((Patch(facecolor=SUN, alpha=0.55), "sun"))
    for role, colour, label in (
        (Role.CONSUMPTION, HOUSE, "house"),
        (Role.BATTERY_DISCHARGE, BATTERY, "battery"),
        (Role.GRID_FEED_IN, GRID, "grid"),
    ):
        if _kilowatts(report, role) is not None:
            entries.append((Line2D([], [], color=colour, linewidth=2.5), label))
    if with_charge:
        entries.append((Line2D([], [], color=CHARGE, linewidth=1.2), "charge %"))
    if report.story.holes:
        entries.append((Patch(facecolor="#F4F4F4", edgecolor="#AAAAAA", hatch="////"), "no data"))
    if not entries:
        return
    figure.legend(
        [handle for handle, _ in entries],
        [label for _, label in entries],
        loc="upper center",
        bbox_to_anchor=(0.5, 1.0),
        ncol=len(entries),
        frameon=False,
        fontsize=_FONT_PT,
        labelcolor=_INK,
        handlelength=1.1,
        handletextpad=0.4,
        columnspacing=1.0,
        borderaxespad=0.3,
    )


def _png(figure: Figure) -> bytes:
    """The figure with a small palette: a third of the bytes, no difference to see. Noisy days get fewer colours."""
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    picture = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba(), "raw", "RGBA", 0, 1).convert(
        "RGB"
    )
    content = b""
    for colours in _PALETTES:
        content = _packed(picture, colours)
        if len(content) < _MOST_BYTES:
            break
    return content


def _packed(picture: Image.Image, colours: int) -> bytes:
    out = BytesIO()
    small = picture.quantize(colors=colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small.save(out, format="PNG", optimize=True)
    return out.getvalue()
