"""The shipped rules: the habits of the house, the promtool unit tests beside this file, and lives of many days."""

from __future__ import annotations

import math
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from promtool import RULES, begins, promtool, run_life

from watchman.durations import parse_duration
from watchman.rules.loader import Defaults, lint_rules, load_rules
from watchman.rules.template import check_template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FILES = {path.name: path.read_text() for path in sorted(RULES.glob("*.yaml"))}
UNIT_TESTS = sorted(Path(__file__).parent.glob("*_test.yaml"))
ALERTS = [rule for text in FILES.values() for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
NAMED = pytest.mark.parametrize("rule", ALERTS, ids=[f"{rule.get('alert')}-{n}" for n, rule in enumerate(ALERTS)])
# Lives of days that no unit test beside this file could spell out.
FIRES_IN_A_LIFE = {"SolarOutage", "SolarLowClouds"}


def expected_alerts() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in UNIT_TESTS:
        for case in yaml.safe_load(path.read_text())["tests"]:
            for check in case.get("alert_rule_test", []):
                for alert in check.get("exp_alerts", []):
                    yield check["alertname"], alert


@pytest.mark.integration
@pytest.mark.parametrize("name", FILES)
def test_promtool_accepts_the_file(name: str) -> None:
    promtool("check", "rules", RULES / name)


@pytest.mark.integration
@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_the_unit_tests_beside_this_file_pass(path: Path) -> None:
    promtool("test", "rules", path)


def test_the_files_load_here_without_a_word_of_warning() -> None:
    defaults = Defaults(check_template=check_template)

    rules = [rule for group in load_rules(FILES, defaults) for rule in group.rules]

    assert [rule.name for rule in rules] == [rule["alert"] for rule in ALERTS]
    assert lint_rules(FILES, defaults) == []


@NAMED
def test_severity_is_one_of_four(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "notice", "info"}


@NAMED
def test_nothing_is_recorded_for_other_rules(rule: dict[str, Any]) -> None:
    # An evaluator that only has the query API could not see it.
    assert "record" not in rule


@NAMED
def test_no_raw_gauge_is_compared(rule: dict[str, Any]) -> None:
    """Every selector has a range: one lost scrape or one odd sample must not begin, end or restart anything."""
    # Without strings, an instant selector is a metric name, its braces if any, and then no range.
    bare = re.sub(r'"[^"]*"', '""', rule["expr"])

    raw = re.findall(r"\b(?:sonnen|watchman|up)\w*\b(?:\{[^}]*\})?(?!\w|\{|\[)", bare)

    assert raw == []


@NAMED
def test_annotations_are_those_the_messages_know(rule: dict[str, Any]) -> None:
    annotations = rule["annotations"]

    assert {"summary", "description"} <= annotations.keys()
    assert annotations.keys() <= {"summary", "description", "chart", "news_after", "on_vanished", "send_resolved"}
    assert all(isinstance(text, str) for text in annotations.values())
    assert annotations.get("on_vanished", "hold") == "hold"
    assert annotations.get("send_resolved", "false") == "false"
    assert parse_duration(annotations.get("news_after", "0")) >= 0


@NAMED
def test_a_rule_that_rings_is_not_held_back_as_old_news(rule: dict[str, Any]) -> None:
    assert not (rule["labels"]["severity"] in {"critical", "warning"} and "news_after" in rule["annotations"])


@pytest.mark.parametrize("name", sorted({rule["alert"] for rule in ALERTS}))
def test_every_rule_is_seen_firing_in_a_test(name: str) -> None:
    assert name in {alert for alert, _ in expected_alerts()} | FIRES_IN_A_LIFE


@pytest.mark.parametrize(
    ("name", "alert"), list(expected_alerts()), ids=lambda part: part if isinstance(part, str) else ""
)
def test_a_message_fits_on_a_phone(name: str, alert: dict[str, Any]) -> None:
    annotations = alert["exp_annotations"]
    lines = annotations["description"].splitlines()

    assert len(annotations["summary"]) <= 45
    assert len(lines) <= 2
    assert max(map(len, lines)) <= 65
    assert "<error" not in str(annotations)


# --- Lives ---------------------------------------------------------------------------------------------------------

STEP_S = 600
EVALUATION_S = 1800
DAY = 86400 // STEP_S
BATTERY = '{host="h",sn="1"}'


def elevation_deg(latitude_deg: float, day_of_year: int, step: int) -> float:
    """The sun's height; step 0 is solar midnight."""
    tilt = math.radians(23.44) * math.sin(math.tau * (284 + day_of_year) / 365)
    hour = math.tau * (step / DAY - 0.5)
    latitude = math.radians(latitude_deg)
    return math.degrees(
        math.asin(math.sin(latitude) * math.sin(tilt) + math.cos(latitude) * math.cos(tilt) * math.cos(hour))
    )


def sky(latitude_deg: float, day_of_year: int, days: int) -> list[float]:
    return [round(elevation_deg(latitude_deg, day_of_year, step), 1) for _ in range(days) for step in range(DAY)]


def roof(elevations: list[float], peak_w: float) -> list[float | None]:
    return [float(round(max(0.0, peak_w * math.sin(math.radians(deg)))) if deg > 0 else 0.0) for deg in elevations]


def dead(production: list[float | None], first: int, last: int) -> list[float | None]:
    return [0.0 if first <= n < last else watts for n, watts in enumerate(production)]


SEASONS = {"winter": 350, "spring": 80, "summer": 172}


DEATHS = [
    *((season, hour, True) for season in SEASONS for hour in (2, 12, 17)),
    ("winter", 12, False),
    ("summer", 12, False),
]


@pytest.mark.integration
@pytest.mark.parametrize(("season", "hour", "located"), DEATHS)
def test_a_dead_roof_is_one_alert_until_it_works_again(tmp_path: Path, season: str, hour: int, located: bool) -> None:
    """Three days dead, from night, noon or evening on, at 50 degrees north; then it works again."""
    elevations = sky(50.0, SEASONS[season], 6)
    production = dead(roof(elevations, 6000.0), DAY + hour * 6, 4 * DAY)
    series: dict[str, Any] = {
        f"sonnen_production_watts{BATTERY}": production,
        "watchman_solar_usual_peak_watts": [5000.0] * len(production),
    }
    if located:
        series["watchman_solar_elevation_degrees"] = elevations
    now = 'count(ALERTS{alertstate="firing"})'

    run_life(tmp_path, ["solar.yaml"], series, step_s=STEP_S, evaluation_s=EVALUATION_S, expect={
        begins("SolarOutage", 6, EVALUATION_S): {'{alertname="SolarOutage"}': 1}, now: {}
    })  # fmt: skip


@pytest.mark.integration
def test_a_fault_of_33_days_does_not_become_the_usual(tmp_path: Path) -> None:
    elevations = sky(48.0, 250, 38)
    production = dead(roof(elevations, 6000.0), 3 * DAY, 38 * DAY)
    series = {
        f"sonnen_production_watts{BATTERY}": production,
        "watchman_solar_usual_peak_watts": [5000.0] * len(production),
        "watchman_solar_elevation_degrees": elevations,
    }
    firing = 'count_over_time(ALERTS{alertstate="firing"}[33d])'
    labels = '{alertname="SolarOutage",alertstate="firing",host="h",severity="warning",sn="1"}'

    run_life(tmp_path, ["solar.yaml"], series, step_s=STEP_S, evaluation_s=EVALUATION_S, expect={
        begins("SolarOutage", 38, EVALUATION_S): {'{alertname="SolarOutage"}': 1},
        firing: {labels: 33 * 48},
    })  # fmt: skip


def cloudy(production: list[float | None], share: float) -> list[float | None]:
    return [None if watts is None else round(watts * share) for watts in production]


def power_cut(steps: int) -> dict[str, list[float | None]]:
    """Off the grid from 9:00 to 18:00 of the third day, the roof held back until the next morning."""
    return {f"sonnen_on_grid{BATTERY}": [0.0 if 2 * DAY + 54 <= n < 2 * DAY + 108 else 1.0 for n in range(steps)]}


def no_scrape(production: list[float | None], first: int, last: int) -> list[float | None]:
    return [None if first <= n < last else watts for n, watts in enumerate(production)]


HARMLESS: dict[str, Callable[[list[float], list[float | None]], dict[str, Any]]] = {
    "four dark days at 3 percent": lambda _, sun: {f"sonnen_production_watts{BATTERY}": cloudy(sun, 0.035)},
    "installed at 17:00": lambda _, sun: {f"sonnen_production_watts{BATTERY}": no_scrape(sun, 0, 102)},
    "installed at 17:00, battery counted up to midnight": lambda _, sun: {
        f"sonnen_production_watts{BATTERY}": no_scrape(dead(sun, 0, DAY), 0, 102)
    },
    "no data by day": lambda _, sun: {f"sonnen_production_watts{BATTERY}": no_scrape(sun, 2 * DAY + 40, 2 * DAY + 110)},
    "no data by day, twice, a zero between": lambda _, sun: {
        f"sonnen_production_watts{BATTERY}": no_scrape(
            no_scrape(dead(sun, 2 * DAY + 78, 2 * DAY + 80), 2 * DAY + 40, 2 * DAY + 78), 2 * DAY + 80, 2 * DAY + 110
        )
    },
    "power cut with a full battery": lambda _, sun: {
        f"sonnen_production_watts{BATTERY}": dead(sun, 2 * DAY + 54, 3 * DAY),
        **power_cut(len(sun)),
    },
    "watchman restarted in the morning": lambda sky_, sun: {
        f"sonnen_production_watts{BATTERY}": sun,
        "watchman_solar_elevation_degrees": no_scrape(list(sky_), 2 * DAY, 2 * DAY + 63),
    },
    "far north without sun": lambda sky_, sun: {
        f"sonnen_production_watts{BATTERY}": [0.0] * len(sun),
        "watchman_solar_elevation_degrees": [deg - 40.0 for deg in sky_],
    },
    "usual peak not known": lambda _, sun: {
        f"sonnen_production_watts{BATTERY}": [0.0] * len(sun),
        "watchman_solar_usual_peak_watts": [None] * len(sun),
    },
}


@pytest.mark.integration
@pytest.mark.parametrize("case", HARMLESS.values(), ids=HARMLESS.keys())
def test_no_outage_where_the_roof_is_fine(tmp_path: Path, case: Callable[..., dict[str, Any]]) -> None:
    elevations = sky(50.0, 60, 4)
    series = {
        "watchman_solar_usual_peak_watts": [5000.0] * len(elevations),
        "watchman_solar_elevation_degrees": elevations,
        **case(elevations, roof(elevations, 6000.0)),
    }

    run_life(tmp_path, ["solar.yaml"], series, step_s=STEP_S, expect={begins("SolarOutage", 4, STEP_S): {}})


@pytest.mark.integration
def test_a_dull_day_is_one_line_and_a_dead_or_bright_one_none(tmp_path: Path) -> None:
    elevations = sky(50.0, 100, 5)
    bright = roof(elevations, 6000.0)
    day = [step // DAY for step in range(len(elevations))]
    shares = [1.0, 0.3, 1.0, 0.0, 1.0]
    production = [round((watts or 0.0) * shares[day[n]]) for n, watts in enumerate(bright)]
    series = {
        f"sonnen_production_watts{BATTERY}": production,
        "watchman_solar_usual_peak_watts": [4000.0] * len(day),
        "watchman_solar_usual_day_watthours": [sum(watts or 0.0 for watts in bright[:DAY]) / 6] * len(day),
        "watchman_site_local_hour": [float(n % DAY // 6) for n in range(len(day))],
    }

    run_life(tmp_path, ["solar.yaml"], series, step_s=STEP_S, expect={
        begins("SolarLowClouds", 5, STEP_S): {'{alertname="SolarLowClouds"}': 1},
    })  # fmt: skip


def winter_night(seed: int, share_at_reserve: float) -> list[float]:
    """A night of 24 h from noon on, every 5 min: down to the reserve at some hour, swinging there until the morning."""
    dice = random.Random(seed)
    empty_at = dice.randint(90, 160) if dice.random() < share_at_reserve else 400
    charge = [max(10.0, 90.0 - 80.0 * n / empty_at) for n in range(234)]
    swing = [value if value > 11 else dice.choice([9.0, 10.0, 10.0, 11.0]) for value in charge]
    return [*(round(value) for value in swing), *(min(90.0, 15.0 + 2.0 * n) for n in range(54))]


@pytest.mark.integration
def test_a_winter_of_nights_is_one_alert_each_night(tmp_path: Path) -> None:
    """Which of them are pushed `news_after` decides: after the first night none, until three days were without one."""
    nights = 12
    charge = [value for night in range(nights) for value in winter_night(night, 1.0)]
    # The battery's software restarts for 12 min each night, and for 40 min in the sixth.
    gaps: set[int] = set()
    for night in range(nights):
        start = night * 288 + 190
        gaps |= set(range(start, start + (8 if night == 5 else 2)))
    series = {f"sonnen_state_of_charge_percent{BATTERY}": [None if n in gaps else v for n, v in enumerate(charge)]}

    run_life(tmp_path, ["battery.yaml"], series, step_s=300, evaluation_s=600, expect={
        begins(".*", nights, 600): {'{alertname="BatteryAtReserve"}': nights},
    })  # fmt: skip


@pytest.mark.integration
@pytest.mark.parametrize("exporter", ["ours", "Rust"])
def test_the_first_night_of_a_new_home_has_no_alarm(tmp_path: Path, exporter: str) -> None:
    """All rules at once, from 20:00 for 24 h: the car charges, the battery empties, the sun comes back.

    That the battery is down to its reserve is the one thing to tell.
    """
    dice = random.Random(1)
    minutes = range(0, 24 * 60, 2)

    def at(minute: int) -> float:
        return (minute / 60 + 20) % 24

    house = [(2200.0 if at(m) > 20.1 or at(m) < 0.8 else 300.0) + dice.randint(0, 60) for m in minutes]
    sun = [
        float(round(max(0.0, 5500 * math.sin(math.pi * (at(m) - 7) / 10)))) if 7 < at(m) < 17 else 0.0 for m in minutes
    ]
    charge, percent, discharge, feed = 45.0, [], [], []
    for used, made in zip(house, sun, strict=True):
        wanted = used - made
        free = min(wanted, 3300.0) if charge > 10 or wanted < 0 else float(dice.choice([0, 0, 0, -400]))
        power = max(free, -3300.0) if charge < 100 or free > 0 else 0.0
        charge = min(100.0, max(9.0, charge - power / 30 / 160))
        percent.append(float(round(charge)))
        discharge.append(float(round(power)))
        feed.append(float(round(made + power - used)))
    series: dict[str, Any] = {
        'up{job="sonnen",instance="e"}': [1.0] * len(minutes),
        f"sonnen_online{BATTERY}": [1.0] * len(minutes),
        f"sonnen_consumption_watts{BATTERY}": house,
        f"sonnen_production_watts{BATTERY}": sun,
        f"sonnen_grid_feed_in_watts{BATTERY}": feed,
        f"sonnen_discharge_watts{BATTERY}": discharge,
        f"sonnen_state_of_charge_percent{BATTERY}": percent,
    }
    if exporter == "ours":
        series |= {
            f"sonnen_user_state_of_charge_percent{BATTERY}": percent,
            f"sonnen_backup_buffer_percent{BATTERY}": [10.0] * len(minutes),
            f"sonnen_operating_mode{BATTERY}": [2.0] * len(minutes),
            f"sonnen_on_grid{BATTERY}": [1.0] * len(minutes),
            'sonnen_system_status_state{host="h",sn="1",status="off_grid"}': [0.0] * len(minutes),
            'sonnen_system_status_state{host="h",sn="1",status="critical_error"}': [0.0] * len(minutes),
            f"sonnen_battery_system_alarm_code{BATTERY}": [0.0] * len(minutes),
            f"sonnen_token_ok{BATTERY}": [1.0] * len(minutes),
            'sonnen_info{host="h",sn="1",firmware="1.22.4"}': [1.0] * len(minutes),
            "watchman_site_local_hour": [float(int(at(m))) for m in minutes],
            "watchman_site_is_away": [0.0] * len(minutes),
            "watchman_site_battery_capacity_watthours": [16000.0] * len(minutes),
            "watchman_solar_elevation_degrees": [15.0 if 9 < at(m) < 15 else -5.0 for m in minutes],
        }

    run_life(tmp_path, FILES, series, step_s=120, expect={
        begins(".*", 1, 120): {'{alertname="BatteryAtReserve"}': 1},
    })  # fmt: skip
