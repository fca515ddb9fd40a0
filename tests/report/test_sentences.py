"""Days that were once told wrongly or oddly, and the sentences they give now."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date

import pytest

from watchman.energy.curve import Curve, slots_of
from watchman.energy.integrate import empty_bins
from watchman.energy.slots import Flow, Role
from watchman.energy.tariff import Tariff, flat
from watchman.localtime import local_day
from watchman.report.day import Comparison, DayReport, build_day
from watchman.report.details import details
from watchman.report.happened import events
from watchman.report.opening import opening
from watchman.report.render import render_html, render_push, render_text
from watchman.report.site import Incident, Site, Told
from watchman.report.verdict import coverage_line, title

EVENING = 720
Minute = Callable[[int], float | None]


def report(
    day: date = date(2026, 11, 21),
    *,
    hours: float | None = None,
    tariff: Tariff | None = None,
    mean_wh: float | None = None,
    frozen: tuple[int, int] | None = None,
    alerts: tuple[Incident, ...] = (),
    told: tuple[Told, ...] = (),
    **roles: Minute,
) -> DayReport:
    """A day from functions of its minutes, negative ones the evening before; `hours` is how much of it has passed."""
    site = Site("home", "America/Los_Angeles", tuple(Role(name) for name in roles), 16000, 10, tariff)
    start, end = local_day(day, site.zone)
    now = end + 25_200 if hours is None else start + hours * 3600
    last = min(end, now // 900 * 900)
    span = ((start + frozen[0] * 60, start + frozen[1] * 60),) if frozen else ()
    columns = {}
    for name, of in roles.items():
        made = empty_bins(start - EVENING * 60, last, 60)
        for i in range(len(made)):
            value = of(i - EVENING)
            if value is not None:
                made.above_wh[i], made.below_wh[i], made.measured_s[i] = max(value, 0) / 60, max(-value, 0) / 60, 60
                made.high[i] = made.low[i] = value
                made.high_at[i] = made.low_at[i] = made.start + i * 60
        columns[Role(name)] = made
    curve = Curve(start - EVENING * 60, last, columns, span)
    mean = Comparison(7, {Flow.PRODUCTION: mean_wh}, None, None, 5000.0) if mean_wh is not None else None
    rows = [slot for slot in slots_of(curve, "home", 10) if slot.start >= start]
    moved = tuple(
        Incident(a.alertname, a.labels, start + a.started * 60, None if a.ended is None else start + a.ended * 60,
                 a.annotations, a.held)
        for a in alerts
    )  # fmt: skip
    sent = tuple(Told(start + one.at * 60, one.title) for one in told)
    return build_day(site, day, now, slots=rows, curve=curve, mean=mean, incidents=moved, told=sent)


def hump(m: int) -> float:
    return max(0.0, 5000 * math.sin(math.pi * (m - 420) / 600)) if 420 < m % 1440 < 1020 and m > -1 else 0.0


def evening_sun(m: int) -> float:
    return 2000.0 if m < -460 else hump(m)


def cut(started: float, ended: float | None, summary: str = "Power cut: battery 62 %, about 8.0 h left") -> Incident:
    return Incident("GridDown", {"severity": "critical"}, started, ended, {"summary": summary})


CAR: dict[str, Minute] = {
    "production": evening_sun,
    "consumption": lambda m: 7400 if -257 <= m < -197 else 300,
    "state_of_charge": lambda m: 60 if m < -257 else 9 if -146 <= m < 474 else 40,
}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(
            report(**CAR),
            "Battery at its reserve until 07:54 (7.4 kW Fri 19:43-20:43).",
            id="a load of the evening before is told by its weekday, once",
        ),
        pytest.param(
            report(
                **CAR | {"state_of_charge": lambda m: 60 if m < -257 else 9 if -146 <= m < 474 or m > 1380 else 100}
            ),
            "Battery at its reserve until 07:54 (7.4 kW Fri 19:43-20:43) and from 23:01"
            " (100 % at 16:57, then house 300 W), full 07:54.",
            id="two nights at the reserve are one sentence",
        ),
        pytest.param(
            report(hours=2, **CAR),
            "Battery at its reserve since Fri 21:34 (7.4 kW Fri 19:43-20:43).",
            id="a day that runs says since when",
        ),
        pytest.param(
            report(state_of_charge=lambda m: None if 120 <= m < 270 else 40 if m < 120 else 9 if m < 477 else 50),
            "Battery at its reserve at least 04:30-07:57.",
            id="a beginning in a gap is not made up",
        ),
        pytest.param(
            report(state_of_charge=lambda m: 40 if m < 60 else 6 if m < 120 else 30),
            "Battery at its reserve 01:00-02:00 (down to 6 %).",
            id="below the reserve, as in a power cut",
        ),
        pytest.param(
            report(state_of_charge=lambda m: max(15.0, min(100.0, m / 7))),
            "Battery down to 15 %, full 11:33.",
            id="never at the reserve",
        ),
        pytest.param(
            report(state_of_charge=lambda m: 40.0 + m % 20), "Battery between 40 and 59 %.", id="neither empty nor full"
        ),
        pytest.param(report(state_of_charge=lambda m: 70.0), "Battery at 70 %.", id="a battery that rests"),
    ],
)
def test_why_the_battery_stood_where_it_stood(made, expected) -> None:
    assert next(line for line in opening(made) if line.startswith("Battery")) == expected


PRICES = flat(0.32, 0.08, "USD")


@pytest.mark.parametrize(
    ("feed_in", "expected"),
    [
        pytest.param(lambda m: -1000, "Bought 24.0, sold 0 kWh: cost $7.68.", id="all was bought: nothing was saved"),
        pytest.param(lambda m: -500, "Bought 12.0, sold 0 kWh: cost $3.84 instead of $7.68.", id="half was bought"),
        pytest.param(
            lambda m: 2000, "Bought 0, sold 48.0 kWh: earned $3.84 instead of paying $7.68.", id="more was earned"
        ),
        pytest.param(lambda m: 0, "Bought 0, sold 0 kWh: cost $0.00 instead of $7.68.", id="neither"),
        pytest.param(
            lambda m: None if 600 <= m < 900 else -500,
            "In the measured hours bought 9.5, sold 0 kWh: cost $3.04.",
            id="a gap is said once",
        ),
    ],
)
def test_money(feed_in, expected) -> None:
    assert opening(report(tariff=PRICES, consumption=lambda m: 1000, grid_feed_in=feed_in))[1] == expected


def gaps(*holes: tuple[int, int]) -> Minute:
    return lambda m: None if any(a <= m < b for a, b in holes) else 500.0 + m % 3


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(report(consumption=gaps((665, 855))), "No data 11:05-14:15.", id="one"),
        pytest.param(
            report(consumption=gaps((480, 540), (960, 1038))), "No data 08:00-09:00 and 16:00-17:18.", id="two"
        ),
        pytest.param(
            report(consumption=gaps((60, 120), (480, 540), (960, 1038), (1200, 1300))),
            "No data 01:00-02:00, 08:00-09:00 and 2 more times.",
            id="four",
        ),
        pytest.param(report(consumption=gaps((-720, 600))), "No data until 10:00.", id="the data began late"),
        pytest.param(report(consumption=gaps((960, 2000))), "No data from 16:00.", id="the data ended"),
        pytest.param(
            report(consumption=gaps((660, 840)), grid_feed_in=lambda m: 5.0 * (m % 7)),
            "No data 11:00-14:00 (house).",
            id="of one meter",
        ),
        pytest.param(
            report(consumption=gaps((660, 840)), frozen=(660, 840)),
            "Old values repeated 11:00-14:00: not counted.",
            id="an exporter that repeats itself",
        ),
    ],
)
def test_gaps(made, expected) -> None:
    assert expected in opening(made)


@pytest.mark.parametrize(
    ("today_w", "mean_wh", "expected"),
    [
        (200, 21_900, "Sun 4.8 kWh (7-day mean 21.9)."),
        (1000, 21_900, "Sun 24.0 kWh."),
        (1000, 12_000, "Sun 24.0 kWh (7-day mean 12.0)."),
        (50, 2_900, "Sun 1.2 kWh."),
    ],
)
def test_the_sun_is_told_beside_its_mean_only_where_it_was_far_from_it(today_w, mean_wh, expected) -> None:
    assert opening(report(production=lambda m: today_w, mean_wh=mean_wh))[0] == expected


def swings(high_w: float) -> Minute:
    return lambda m: high_w * (0.2 if m // 6 % 2 else 1) if 600 <= m < 900 else 0.0


@pytest.mark.parametrize(("high_w", "lines"), [(4000, 1), (900, 0)])
def test_clouds_under_a_dull_sky_explain_nothing(high_w, lines) -> None:
    made = report(production=swings(high_w), mean_wh=20_000)

    assert sum("louds" in line for line in opening(made)) == lines
    assert sum("louds" in words for _, words in events(made)) == lines


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(
            report(**CAR),
            ("00:00", "battery at its reserve since Fri 21:34, until 07:54; 7.4 kW Fri 19:43-20:43 (7.4 kWh)"),
            id="a night that began the day before",
        ),
        pytest.param(
            report(state_of_charge=lambda m: None if 120 <= m < 270 else 40 if m < 120 else 9 if m < 477 else 50),
            ("04:30", "battery already at its reserve until 07:57"),
            id="a night that began in a gap",
        ),
        pytest.param(
            report(consumption=lambda m: 2600 if m >= 1221 else 300),
            ("20:21", "big load still on at the end of the day: 2.6 kW, 9.5 kWh"),
            id="a load that runs on",
        ),
        pytest.param(
            report(consumption=lambda m: 2600 if -180 <= m < 150 else 300),
            ("00:00", "big load since Fri 21:00, until 02:30: 2.6 kW, 14.3 kWh"),
            id="a load that ran in",
        ),
        pytest.param(
            report(consumption=lambda m: None if m >= 1170 else 2600 if m >= 1100 else 300),
            ("18:20", "big load until the gap at 19:30: 2.6 kW, 3.0 kWh"),
            id="a load that ends in a gap",
        ),
        pytest.param(
            report(grid_feed_in=lambda m: -3000 if 1185 <= m < 1230 else 0),
            ("19:45", "highest import: 3.0 kW for 15 min"),
            id="what was bought at once",
        ),
    ],
)
def test_what_happened(made, expected) -> None:
    assert expected in events(made)


def test_at_most_six_things_happened_and_the_sunrise_is_the_first_to_go() -> None:
    full = report(
        production=lambda m: 800 if m < -460 else swings(5000)(m) if m > 540 else hump(m),
        consumption=lambda m: 4000 if 60 <= m < 120 or 1100 <= m < 1200 else 300,
        grid_feed_in=lambda m: -2000 if 60 <= m < 120 else 100,
        state_of_charge=lambda m: 50 if m < 130 else 9 if m < 420 else min(100, m / 7) if m < 1200 else 9,
    )

    words = [text for _, text in events(full)]
    assert len(words) == 6
    assert not any("sun takes over" in text for text in words)
    assert [at for at, _ in events(full)] == sorted(at for at, _ in events(full))


def test_a_power_cut_that_is_over_opens_the_report_and_needs_nobody() -> None:
    made = report(consumption=gaps(), alerts=(cut(948, 1206),), told=(Told(949, "Power cut since 15:49"),))

    assert title(made) == "Home, Sat 21 Nov: nothing to do"
    assert opening(made)[0] == "Power cut 15:48-20:06 (4 h 18)."
    assert events(made) == [("15:48", "power cut until 20:06")]
    assert "\n-" not in render_push(made), "the phone is told once"
    assert "1. 15:48 Power cut, 4 h 18\n" in render_text(made)
    assert "Told you: 15:49 Power cut.\n" in render_text(made)


def test_an_open_power_cut_is_the_title_even_if_data_is_missing() -> None:
    made = report(consumption=gaps((1380, 1440)), alerts=(cut(1350, None, "Power cut since 22:30"),))

    assert title(made) == "Home, Sat 21 Nov: Power cut since 22:30"
    assert "- 22:30 Power cut, 1 h 30, still on" in render_push(made)


def alert(name: str, severity: str, started: float, ended: float | None, held: str = "") -> Incident:
    return Incident(name, {"severity": severity}, started, ended, {}, held)


def test_the_phone_hears_of_what_rang_worst_first() -> None:
    alerts = (
        alert("Import", "notice", -60, 24),
        alert("Charging", "info", 180, 240, "only for this digest"),
        alert("Quiet", "warning", 300, 400, "explained by another alert"),
        alert("Missing", "warning", 500, 520),
        alert("Roof", "warning", 780, None),
        alert("House", "warning", 900, 960),
        alert("Fault", "warning", 1000, 1060),
    )
    push = render_push(report(consumption=gaps(), alerts=alerts))

    assert re.findall(r"^- \S+ (\w+)", push, re.MULTILINE) == ["Roof", "Missing", "House"]
    assert "1. Fri 23:00 Import, 1 h 24" in render_text(report(consumption=gaps(), alerts=alerts))


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(report(consumption=gaps()), "Home, Sat 21 Nov: nothing to do", id="all is well"),
        pytest.param(
            report(consumption=gaps(), state_of_charge=lambda m: None),
            "Home, Sat 21 Nov: no data of state of charge",
            id="one meter was silent all day",
        ),
        pytest.param(report(consumption=gaps((0, 600))), "Home, Sat 21 Nov: 10 h missing", id="hours are missing"),
        pytest.param(report(hours=12, consumption=gaps()), "Home, Sat 21 Nov so far: nothing to do", id="at noon"),
    ],
)
def test_the_title_is_the_verdict(made, expected) -> None:
    assert title(made) == expected


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (None, "Measured 100 % of the day; not configured: sun, grid, battery, state of charge."),
        (12.1, "Measured 100 % of the day so far; not configured: sun, grid, battery, state of charge."),
    ],
)
def test_a_day_that_runs_is_measured_against_what_has_passed(hours, expected) -> None:
    assert coverage_line(report(hours=hours, consumption=gaps())) == expected


@pytest.mark.parametrize(
    ("roles", "present", "absent"),
    [
        pytest.param({"consumption": gaps()}, [], ["Above zero", "Dotted"], id="house alone"),
        pytest.param({"grid_feed_in": gaps()}, ["below zero what is sold."], ["Dotted"], id="grid alone"),
        pytest.param(
            {"battery_discharge": gaps(), "state_of_charge": lambda m: 50},
            ["below zero what is stored or sold.", "Dotted: the battery&#39;s reserve."],
            ["Numbers"],
            id="a battery",
        ),
    ],
)
def test_the_caption_explains_only_what_the_chart_shows(roles, present, absent) -> None:
    html = render_html(report(**roles))

    assert all(words in html for words in present)
    assert not any(words in html for words in absent)


def test_a_number_and_its_unit_stay_on_one_line_of_the_mail() -> None:
    html = render_html(report(**CAR))

    assert "7.4\u00a0kW Fri 19:43-20:43 (7.4\u00a0kWh)" in html
    assert "\u00a0" not in render_text(report(**CAR))


def small_lines(**roles: Minute) -> list[str]:
    return details(report(**roles))


def test_the_small_lines_tell_battery_own_use_and_nothing_that_is_not_known() -> None:
    charge = small_lines(state_of_charge=lambda minute: 10.0 if minute < 120 else 80.0)
    assert charge == ["Battery 10 to 80 %, 2 h at its reserve."]
    assert small_lines(state_of_charge=lambda _minute: 50.0) == ["Battery 50 to 50 %."]
    bought = small_lines(
        production=lambda _minute: 1000.0, consumption=lambda _minute: 2000.0, grid_feed_in=lambda _minute: -1000.0
    )
    assert bought == ["50 % of what the house used was own power, 100 % of the sun was used here."]
    assert small_lines(production=lambda _minute: None) == []


def test_the_small_lines_stand_in_mail_and_text() -> None:
    day = report(state_of_charge=lambda minute: 10.0 if minute < 120 else 80.0)
    for text in (render_html(day, ""), render_text(day)):
        assert "2 h at its reserve" in text.replace("\xa0", " ")
