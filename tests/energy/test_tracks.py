"""Which series are one device, and which values are no values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman.energy.curve import measure
from watchman.energy.slots import Role
from watchman.energy.tracks import tracks
from watchman.series import Series

START = 1_800_000_000
HOUR = range(START - 30, START + 3631, 15)


def series(times: list[float] | range, watts: float = 1000.0, **labels: str) -> Series:
    return Series(labels, list(times), [watts] * len(times))


def hour_wh(role: Role, *parts: Series) -> tuple[float, float]:
    bins = measure(role, parts, START, START + 3600)
    return sum(bins.above_wh), sum(bins.measured_s)


@pytest.mark.parametrize(
    ("parts", "count", "expected"),
    [
        pytest.param([series(HOUR, host="a")], 1, (1000, 3600), id="one battery"),
        pytest.param([series(HOUR, sn="1"), series(HOUR, 500, sn="2")], 2, (1500, 3600), id="two batteries by serial"),
        pytest.param(
            [series(HOUR, host="a"), series(HOUR, 500, host="b")], 2, (1500, 3600), id="two batteries by host"
        ),
        pytest.param(
            [series(HOUR[:100], state="charging"), series(HOUR[100:], state="idle")],
            1,
            (1000, 3600),
            id="a state in a label changes once",
        ),
        pytest.param(
            [series(HOUR[::2], state="charging"), series(HOUR[1::2], state="idle")],
            1,
            (1000, 3600),
            id="a state in a label changes at every scrape",
        ),
        pytest.param(
            [series([*HOUR[:50], *HOUR[120:]], state="charging"), series(HOUR[50:120], state="idle")],
            1,
            (1000, 3600),
            id="a label comes back",
        ),
        pytest.param(
            [series(HOUR, instance="x", string="east"), series(HOUR, 500, instance="x", string="west")],
            2,
            (1500, 3600),
            id="two strings of one inverter share their stamps",
        ),
        pytest.param(
            [series(HOUR, instance="x"), series([t + 7 for t in HOUR], 500, instance="y")],
            2,
            (1500, 3600),
            id="two targets at the same time",
        ),
        pytest.param(
            [series(HOUR[:100], instance="x"), series(HOUR[100:], instance="y")],
            1,
            (1000, 3600),
            id="an exporter moved",
        ),
        pytest.param(
            [series(HOUR, sn="1", job="old"), series([t + 7 for t in HOUR], sn="1", job="new")],
            1,
            (1000, 3600),
            id="one battery behind two exporters",
        ),
    ],
)
def test_churn_is_merged_and_devices_are_summed(parts, count, expected) -> None:
    assert len(tracks(Role.PRODUCTION, parts)) == count
    assert hour_wh(Role.PRODUCTION, *parts) == pytest.approx(expected)
    assert hour_wh(Role.PRODUCTION, *reversed(parts)) == pytest.approx(expected)


@given(st.lists(st.integers(0, 3), min_size=len(HOUR), max_size=len(HOUR)), st.randoms())
def test_permuting_and_cutting_the_batches_changes_nothing(owners, random) -> None:
    parts = [
        series([t for t, o in zip(HOUR, owners, strict=True) if o == owner], 1000, sn="1", state=str(owner))
        for owner in range(4)
    ]
    random.shuffle(parts)

    assert hour_wh(Role.PRODUCTION, *parts) == pytest.approx((1000, 3600))


@pytest.mark.parametrize(
    ("role", "raw", "kept"),
    [
        (Role.PRODUCTION, math.nan, None),
        (Role.PRODUCTION, math.inf, None),
        (Role.PRODUCTION, -1e6, None),
        (Role.PRODUCTION, 65535.0, None),
        (Role.GRID_FEED_IN, -32768.0, None),
        (Role.PRODUCTION, -3.0, 0.0),
        (Role.PRODUCTION, -2500.0, None),
        (Role.CONSUMPTION, -1.0, 0.0),
        (Role.GRID_FEED_IN, -2500.0, -2500.0),
        (Role.STATE_OF_CHARGE, 255.0, None),
        (Role.STATE_OF_CHARGE, -1.0, 0.0),
        (Role.STATE_OF_CHARGE, 100.4, 100.0),
    ],
)
def test_what_is_no_value_is_dropped_and_a_tiny_negative_is_nothing(role, raw, kept) -> None:
    good = 50.0
    [track] = tracks(role, [Series({}, [1.0, 2.0, 3.0], [good, raw, good])])

    assert track.values.tolist() == ([good, good] if kept is None else [good, kept, good])


def test_a_wrong_sign_gives_no_false_zero() -> None:
    assert tracks(Role.PRODUCTION, [series(HOUR, -3000.0)]) == []


def test_stamps_out_of_order_or_twice_are_put_right() -> None:
    [track] = tracks(Role.PRODUCTION, [Series({}, [3.0, 1.0, 2.0, 2.0], [30.0, 10.0, 20.0, 99.0])])

    assert (track.times.tolist(), track.values.tolist()) == ([1.0, 2.0, 3.0], [10.0, 20.0, 30.0])


def test_while_one_of_two_batteries_is_silent_its_share_is_not_called_measured() -> None:
    silent = [t for t in HOUR if not START + 600 < t < START + 3000]
    above_wh, measured_s = hour_wh(Role.BATTERY_DISCHARGE, series(HOUR, sn="1"), series(silent, 500, sn="2"))

    assert above_wh == pytest.approx(1000 + 500 / 3, rel=0.01)
    assert measured_s == pytest.approx(1200, abs=30)


def test_the_charge_of_two_batteries_is_averaged() -> None:
    bins = measure(Role.STATE_OF_CHARGE, [series(HOUR, 40, sn="1"), series(HOUR, 60, sn="2")], START, START + 3600)

    assert (bins.means()[0], bins.high[0], bins.low[59]) == pytest.approx((50, 50, 50))
