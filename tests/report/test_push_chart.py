"""The chart of a push: small, readable, local, with its holes; and the job that draws it."""

from __future__ import annotations

import base64
import io
import json
import math
import subprocess
import sys
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from watchman.chart_process import serve
from watchman.report.push_chart import push_chart, ticks, unit_of
from watchman.series import Series

BERLIN = ZoneInfo("Europe/Berlin")
# Fri 21 Nov 2025, 05:40 in Berlin.
T0 = 1_763_700_000.0


def wave(count: int = 300, step_s: float = 72.0, start: float = T0 - 21600, **labels: str) -> Series:
    times = [start + i * step_s for i in range(count)]
    return Series(dict(labels), times, [2000 + 1800 * math.sin(i / 20) for i in range(count)])


def colours(content: bytes) -> set[tuple[int, ...]]:
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    return {colour for _, colour in picture.getcolors(maxcolors=100_000) or []}


def test_a_chart_is_six_hundred_by_three_hundred_and_a_few_kilobytes() -> None:
    content = push_chart([wave()], T0 - 21600, T0, T0 - 3600, BERLIN, "W", 72.0)

    picture = Image.open(io.BytesIO(content))
    assert (picture.format, picture.size) == ("PNG", (600, 300))
    assert len(content) < 20_000


def test_the_time_since_the_alert_began_is_marked() -> None:
    with_mark = push_chart([wave()], T0 - 21600, T0, T0 - 3600, BERLIN, "W", 72.0)
    without = push_chart([wave()], T0 - 21600, T0, T0 - 99999, BERLIN, "W", 72.0)

    assert with_mark != without


@pytest.mark.parametrize("series", [[], [Series({})]])
def test_nothing_to_draw_is_an_error(series: list[Series]) -> None:
    with pytest.raises(ValueError, match="gives no series"):
        push_chart(series, T0 - 21600, T0, T0, BERLIN, "W", 72.0)


@pytest.mark.parametrize(
    "values", [[0.0] * 300, [math.nan] * 300, [math.inf] * 300, [-5.0] * 300, [1e300] * 300], ids=repr
)
def test_odd_values_are_drawn_or_left_out_but_never_fail(values: list[float]) -> None:
    assert push_chart([Series({}, wave().times, values)], T0 - 21600, T0, T0, BERLIN, "W", 72.0).startswith(b"\x89PNG")


def test_more_series_than_colours_and_names_with_markup_are_drawn() -> None:
    many = [wave(host=f"$h_{i}^<{i}>", other="same") for i in range(9)]

    assert push_chart(many, T0 - 21600, T0, T0, BERLIN, "", 72.0).startswith(b"\x89PNG")


def test_a_hole_in_the_data_is_a_hole_in_the_line() -> None:
    whole = wave()
    holed = Series({}, whole.times[:100] + whole.times[200:], whole.values[:100] + whole.values[200:])
    line = (0, 114, 178)

    def blue(series: Series) -> int:
        content = push_chart([series], T0 - 21600, T0, T0 - 99999, BERLIN, "W", 72.0)
        picture = Image.open(io.BytesIO(content)).convert("RGB")
        near = (count for count, colour in picture.getcolors(100_000) or [] if colour[2] - colour[0] > 100)
        return sum(near)

    assert blue(holed) < 0.8 * blue(whole), line


@pytest.mark.parametrize(
    ("hours", "labels"),
    [
        (6, ["00:00", "01:00", "02:00", "03:00", "04:00", "05:00"]),
        (24, ["08:00", "12:00", "16:00", "20:00", "00:00", "04:00"]),
        (96, ["Tue", "Wed", "Thu", "Fri"]),
    ],
)
def test_ticks_are_whole_local_hours_or_days(hours: int, labels: list[str]) -> None:
    assert [label for _, label in ticks(T0 - hours * 3600, T0, BERLIN)] == labels


def test_a_week_has_at_most_seven_ticks() -> None:
    assert 2 <= len(ticks(T0 - 7 * 86400, T0, BERLIN)) <= 8


@pytest.mark.parametrize(
    ("expr", "unit"),
    [
        ('sonnen_grid_feed_in_watts{host="h"}', "W"),
        ("avg_over_time(sonnen_state_of_charge_percent[5m])", "%"),
        ("sonnen_battery_cell_temperature_celsius", "°C"),
        ("up", ""),
    ],
)
def test_the_unit_is_the_one_the_metric_is_named_after(expr: str, unit: str) -> None:
    assert unit_of(expr) == unit


def job(**changes: object) -> str:
    one = wave()
    fields = {"series": [[one.labels, one.times, one.values]], "expr": "power_watts", "start": T0 - 21600, "end": T0}
    return json.dumps(fields | {"since": T0 - 60, "unit": "", "step_s": 72.0, "zone": "Europe/Berlin"} | changes)


def served(text: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return serve(io.StringIO(text), out, err), out.getvalue(), err.getvalue()


def test_the_process_draws_what_it_is_given() -> None:
    code, out, _ = served(job())

    assert code == 0
    assert base64.b64decode(json.loads(out)["png_base64"]).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", job(series=[]), job(series=[[{}, [], []]]), job(series=7), job(zone="Mars/Olympus")]
)
def test_a_job_that_cannot_be_drawn_is_one_line(text: str) -> None:
    code, out, err = served(text)

    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1


def test_the_process_imports_only_what_draws() -> None:
    code = "import sys, watchman.chart_process; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert {"pandas", "sqlalchemy", "pydantic", "requests", "apprise", "flask"}.isdisjoint(loaded)
