"""The simulated home: physics that holds, the same whatever the steps, and answers shaped as a device's."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchman.sonnen import simulator
from watchman.sonnen.simulator import STEP_S, Energy, Home, Reading, Settings, silent_at
from watchman.sonnen.simulator.loads import charges_car, day_loads
from watchman.sonnen.simulator.sun import roof_power_w, sun_position
from watchman.sonnen.simulator.weather import clearness, day_kind

NOON = datetime(2026, 11, 21, 20, 10, tzinfo=UTC).timestamp()  # near solar noon of the default home
MIDNIGHT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC).timestamp()
DAY = 86400


def walk(home: Home, start: float, end: float, step_s: float = 60) -> list[Reading]:
    return [home.advance(start + step_s * index) for index in range(int((end - start) / step_s) + 1)]


@pytest.fixture(scope="module")
def fortnight() -> list[Reading]:
    return walk(Home(Settings(seed=7), MIDNIGHT - 14 * DAY), MIDNIGHT - 14 * DAY, MIDNIGHT)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    start=st.floats(1.6e9, 2.0e9),
    charge=st.floats(0, 100),
    cut=st.floats(0, 20_000),
    load_w=st.integers(0, 20_000),
)
def test_energy_balances_and_limits_hold_for_any_home(
    seed: int, start: float, charge: float, cut: float, load_w: int
) -> None:
    home = Home(Settings(seed=seed), start, charge)
    home.grid_outage(start + cut, start + cut + 5000)
    home.big_load(start + 3000, start + 9000, load_w)
    for reading in walk(home, start, start + 30_000, 45):
        assert reading.production_w + reading.discharge_w - reading.grid_feed_in_w - reading.consumption_w == 0
        assert 0 <= reading.production_w <= 7600
        assert reading.consumption_w >= 0
        assert abs(reading.discharge_w) <= 4600
        assert 0 <= reading.charge_percent <= 100
        assert reading.on_grid or reading.grid_feed_in_w == 0


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), stops=st.lists(st.floats(0, 50_000), max_size=12))
def test_a_home_reads_the_same_however_it_is_stepped(seed: int, stops: list[float]) -> None:
    """History in coarse steps and a live device in fine ones must agree, also on what the steps missed."""
    start, end = NOON + 123.4, NOON + 123.4 + 50_000
    at_once, in_steps = Home(Settings(seed=seed), start), Home(Settings(seed=seed), start)
    for stop in sorted(stops):
        in_steps.advance(start + stop)
    assert in_steps.advance(end) == at_once.advance(end)


def test_time_does_not_run_back() -> None:
    home = Home(Settings(), NOON)
    reading = home.advance(NOON + 600)
    assert home.advance(NOON) == reading


def test_another_seed_is_another_home_and_the_same_seed_the_same() -> None:
    one, same, other = (Home(Settings(seed=seed), NOON).advance(NOON + DAY) for seed in (1, 1, 2))
    assert one == same
    assert other.energy != one.energy


def test_the_sums_are_the_sums_of_the_steps() -> None:
    home = Home(Settings(seed=3), NOON)
    readings = walk(home, NOON, NOON + 7200, STEP_S)
    wh = [
        sum(value) * STEP_S / 3600
        for value in zip(
            *(
                (
                    reading.production_w,
                    reading.consumption_w,
                    max(-reading.grid_feed_in_w, 0),
                    max(reading.grid_feed_in_w, 0),
                    max(-reading.discharge_w, 0),
                    max(reading.discharge_w, 0),
                )
                for reading in readings[:-1]
            ),
            strict=True,
        )
    ]
    assert readings[-1].energy == Energy(*(pytest.approx(value) for value in wh))


def test_the_night_has_no_sun(fortnight: list[Reading]) -> None:
    home = Settings()
    dark = [r for r in fortnight if sun_position(r.ts, home.latitude, home.longitude)[0] < -1]
    assert len(dark) > 7_000
    assert max(reading.production_w for reading in dark) == 0


def test_a_fortnight_of_a_plausible_home(fortnight: list[Reading]) -> None:
    flows = fortnight[-1].energy - fortnight[0].energy
    assert 15_000 < flows.production_wh / 14 < 35_000
    assert 10_000 < flows.consumption_wh / 14 < 22_000
    assert 0.75 < flows.battery_discharge_wh / flows.battery_charge_wh < 0.9
    assert 6500 < max(reading.consumption_w for reading in fortnight) < 16_000
    assert max(reading.rsoc_percent for reading in fortnight) == 100


def test_at_the_reserve_the_charge_trembles_and_short_pulses_come_from_the_grid(fortnight: list[Reading]) -> None:
    nights = [r for r in fortnight if r.on_grid and r.rsoc_percent <= 10 and r.production_w == 0]
    assert {reading.rsoc_percent for reading in nights} >= {9, 10}
    assert min(reading.charge_percent for reading in fortnight) > 9.3
    pulses = [reading.discharge_w for reading in nights if reading.discharge_w < 0]
    assert pulses
    assert all(-1500 <= pulse <= -300 for pulse in pulses)
    assert len(pulses) < 0.1 * len(nights)


def test_clouds_swing_the_roof_within_minutes_on_a_mixed_day_only() -> None:
    swings: dict[str, list[int]] = {"clear": [], "mixed": [], "dull": []}
    for day in range(20_750, 20_770):
        noon = day * DAY + 20.2 * 3600
        readings = walk(Home(Settings(seed=5), noon - 7200), noon - 7200, noon + 7200)
        steps = [abs(now.production_w - then.production_w) for now, then in pairwise(readings[::5])]
        swings[day_kind(5, day)].append(max(steps))
    assert max(swings["clear"]) < 400
    assert max(swings["mixed"]) > 2000
    assert max(swings["dull"]) < 1500


def test_kinds_of_day_come_in_their_shares() -> None:
    kinds = [day_kind(1, day) for day in range(2000)]
    for kind, share in (("clear", 0.45), ("mixed", 0.35), ("dull", 0.20)):
        assert kinds.count(kind) / 2000 == pytest.approx(share, abs=0.04)


@given(seed=st.integers(0, 1000), day=st.integers(0, 30_000))
@settings(max_examples=30, deadline=None)
def test_clearness_covers_the_day_within_its_bounds(seed: int, day: int) -> None:
    values = clearness(seed, day)
    assert len(values) == 1441
    assert 0 <= min(values) <= max(values) <= 1.05


@pytest.mark.parametrize(
    ("moment", "place", "elevation", "azimuth"),
    [
        (datetime(2026, 6, 21, 20, 12, 45, tzinfo=UTC), (38.44, -122.71), 75.0, 180),
        (datetime(2026, 12, 21, 20, 9, 0, tzinfo=UTC), (38.44, -122.71), 28.1, 180),
        (datetime(2026, 3, 20, 12, 7, 30, tzinfo=UTC), (51.48, 0.0), 38.5, 180),
        (datetime(2026, 12, 21, 1, 53, 20, tzinfo=UTC), (-33.9, 151.2), 79.5, 360),
        (datetime(2026, 3, 20, 6, 7, 30, tzinfo=UTC), (0.0, 0.0), 0.0, 90),
        (datetime(2026, 3, 20, 18, 7, 30, tzinfo=UTC), (0.0, 0.0), 0.0, 270),
    ],
    ids=[
        "summer noon",
        "winter noon",
        "equinox in Greenwich",
        "southern summer",
        "rise in the east",
        "set in the west",
    ],
)
def test_sun_stands_where_almanacs_say(
    moment: datetime, place: tuple[float, float], elevation: float, azimuth: float
) -> None:
    height, bearing = sun_position(moment.timestamp(), *place)
    assert height == pytest.approx(elevation, abs=0.35)
    assert abs((bearing - azimuth + 180) % 360 - 180) < 3


def test_an_overcast_sky_gives_a_fraction_and_night_nothing() -> None:
    planes = Settings().planes
    clear = roof_power_w(30, 180, planes, 1.0)
    assert 3500 < clear < 7000
    assert roof_power_w(30, 180, planes, 0.03) < 0.2 * clear
    assert roof_power_w(-0.1, 180, planes, 1.0) == 0


def test_a_power_cut_islands_the_house_and_ends() -> None:
    home = Home(Settings(), NOON + 8 * 3600, charge_percent=60)
    begin = NOON + 9 * 3600
    home.grid_outage(begin, begin + 600)
    before, cut, after = home.advance(begin - STEP_S), home.advance(begin + 300), home.advance(begin + 600)
    assert (before.on_grid, cut.on_grid, after.on_grid) == (True, False, True)
    assert cut.grid_feed_in_w == 0
    assert cut.discharge_w == cut.consumption_w - cut.production_w
    assert cut.charge_percent < before.charge_percent


def test_alone_and_full_the_roof_is_turned_down() -> None:
    home = Home(Settings(seed=11), NOON, charge_percent=100)
    free = home.advance(NOON)
    home.grid_outage(NOON + STEP_S)
    alone = home.advance(NOON + 10 * STEP_S)
    assert free.grid_feed_in_w > 500
    assert alone.production_w < free.production_w
    assert alone.production_w == alone.consumption_w - alone.discharge_w
    assert alone.frequency_hz > 61


def test_alone_and_overloaded_the_house_goes_short_and_empty_it_goes_dark() -> None:
    home = Home(Settings(), MIDNIGHT, charge_percent=20)
    home.grid_outage(MIDNIGHT)
    home.big_load(MIDNIGHT, MIDNIGHT + DAY, 9000)
    assert home.advance(MIDNIGHT + 60).consumption_w == 4600
    dark = home.advance(MIDNIGHT + 5 * 3600)
    assert (dark.consumption_w, dark.production_w, dark.discharge_w) == (0, 0, 0)
    assert dark.charge_percent == pytest.approx(2, abs=0.1)


def test_a_big_load_is_seen_while_it_lasts() -> None:
    plain, loaded = Home(Settings(), MIDNIGHT), Home(Settings(), MIDNIGHT)
    loaded.big_load(MIDNIGHT + 60, MIDNIGHT + 120, 7000)
    for ts, more in ((30, 0), (60, 7000), (119, 7000), (120, 0)):
        assert loaded.advance(MIDNIGHT + ts).consumption_w - plain.advance(MIDNIGHT + ts).consumption_w == more


def test_the_device_is_silent_for_some_minutes_once_a_night() -> None:
    home = Settings(seed=4)
    for day in range(10):
        start = MIDNIGHT + day * DAY
        silent = [start + 30 * step for step in range(2 * 60 * 24) if silent_at(home, start + 30 * step)]
        assert 90 <= len(silent) * 30 <= 390
        assert silent[-1] - silent[0] == 30 * (len(silent) - 1)
        assert 1 <= datetime.fromtimestamp(silent[0], ZoneInfo(home.timezone)).hour <= 3


def test_loads_go_by_the_clock_on_the_wall_over_a_clock_change() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    for day in range(20_750, 20_770):  # the clock goes back on 1 November 2026
        desk = [load for load in day_loads(1, day, zone) if load.end - load.start == 3600 * 8.5]
        assert [datetime.fromtimestamp(load.start, zone).strftime("%H:%M") for load in desk] == ["08:30"]


def test_a_car_charges_on_some_evenings_slow_or_fast() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    watts = [load.watts for day in range(400) for load in day_loads(1, day, zone) if charges_car([load])]
    assert 100 < len(watts) < 240
    assert 0.15 < watts.count(7000) / len(watts) < 0.5


# Answers


@pytest.fixture(scope="module")
def evening() -> Reading:
    return Home(Settings(seed=2), NOON, charge_percent=60).advance(NOON + 8 * 3600)


def test_every_answer_is_json(evening: Reading) -> None:
    for name in dir(simulator):
        if name.startswith(("v1_", "v2_")):
            answer = getattr(simulator, name)(evening)
            assert json.loads(json.dumps(answer)) == answer


def test_status_carries_the_flows_with_the_device_signs(evening: Reading) -> None:
    for status in (simulator.v1_status(evening), simulator.v2_status(evening)):
        assert status["Production_W"] == evening.production_w
        assert status["Consumption_W"] == evening.consumption_w
        assert status["GridFeedIn_W"] == evening.grid_feed_in_w
        assert status["Pac_total_W"] == evening.discharge_w
        assert (status["RSOC"], status["USOC"]) == (evening.rsoc_percent, evening.usoc_percent)


def test_types_are_those_of_real_devices(evening: Reading) -> None:
    v1, v2 = simulator.v1_status(evening), simulator.v2_status(evening)
    assert (v1["BackupBuffer"], v1["OperatingMode"], v1["SystemStatus"]) == ("10", "2", "OnGrid")
    assert (v1["Fac"], v1["Ubat"]) == (60, 53)
    assert isinstance(v2["Fac"], float)
    assert (v2["Sac2"], v2["Sac3"]) == (None, None)
    assert v2["Timestamp"] == "2026-11-21 20:10:00"
    inverter = simulator.v1_inverter(evening)["status"]
    assert isinstance(inverter, dict)
    assert all(isinstance(value, str) for value in inverter.values())
    assert all(isinstance(value, float) for value in simulator.v2_inverter(evening).values())
    assert all(isinstance(value, str) for value in simulator.v2_configurations(evening).values())
    assert all(isinstance(value, float) for value in simulator.v2_battery(evening).values())


def test_three_phases_share_the_power(evening: Reading) -> None:
    three = replace(evening, settings=replace(evening.settings, phases=3))
    (roof, house), status = simulator.v2_powermeter(three), simulator.v2_status(three)
    assert status["Sac1"] == status["Sac3"] == round(abs(evening.discharge_w) / 3)
    assert house["w_l1"] == house["w_l3"] == round(evening.consumption_w / 3, 1)
    assert roof["v_l1_l2"] == pytest.approx(3**0.5 * evening.ac_volts, abs=0.1)


def test_meters_are_found_by_direction_and_key(evening: Reading) -> None:
    meters = simulator.v1_powermeter(evening)
    assert {key: meter["direction"] for key, meter in meters.items()} == {"4_1": "production", "4_2": "consumption"}


def test_ampere_hours_and_watt_hours_agree(evening: Reading) -> None:
    battery = simulator.v2_battery(evening)
    full_wh = float(str(battery["fullchargecapacity"])) * float(str(battery["nominalmoduledcvoltage"]))
    assert full_wh == pytest.approx(16_000, rel=0.001)
    stored_wh = float(str(battery["remainingcapacity"])) * float(str(battery["nominalmoduledcvoltage"]))
    assert stored_wh == pytest.approx(evening.stored_wh, rel=0.001)
    assert simulator.v2_status(evening)["RemainingCapacity_Wh"] == pytest.approx(2 * evening.stored_wh, rel=0.08)


def test_off_grid_shows_in_status_and_latestdata(evening: Reading) -> None:
    alone = replace(evening, on_grid=False)
    assert simulator.v1_status(alone)["SystemStatus"] == simulator.v2_status(alone)["SystemStatus"] == "OffGrid"
    inner = simulator.v2_latestdata(alone)["ic_status"]
    assert isinstance(inner, dict)
    assert inner["statecorecontrolmodule"] == "offgrid"
    assert inner["Eclipse Led"]["Pulsing Green"] is True


def test_a_protected_part_lowers_the_users_scale_and_lifts_the_reserve() -> None:
    home = Home(Settings(protected_percent=7), MIDNIGHT, charge_percent=26)
    assert home.advance(MIDNIGHT).usoc_percent in (20, 21)
    night = home.advance(MIDNIGHT + 5.9 * 3600)
    assert night.usoc_percent in (9, 10)
    assert night.rsoc_percent in (16, 15)
