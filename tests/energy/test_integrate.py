"""Integration against an exact integral, and the rules for gaps."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman.energy.integrate import Bins, integrate, measured_limit_s, split_areas

DAY = 86400.0
LATE = 1_800_000_000  # a multiple of 900, as stamps are today


def total(bins: Bins) -> tuple[float, float, float, float]:
    return sum(bins.above_wh), sum(bins.below_wh), sum(bins.measured_s), sum(bins.estimated_s)


def exact(times: list[int], values: list[int]) -> tuple[Fraction, Fraction]:
    """Areas above and below zero of the straight lines, in Wh, in exact numbers."""
    above = below = Fraction(0)
    for t0, t1, v0, v1 in zip(times, times[1:], values, values[1:], strict=False):
        width = Fraction(t1 - t0, 3600)
        if v0 * v1 < 0:
            part = Fraction(abs(v0), abs(v0) + abs(v1))
            first, second = abs(v0) * part * width / 2, abs(v1) * (1 - part) * width / 2
            above, below = above + (first if v0 > 0 else second), below + (first if v0 < 0 else second)
        else:
            area = Fraction(abs(v0) + abs(v1), 2) * width
            above, below = above + (area if v0 + v1 > 0 else 0), below + (area if v0 + v1 < 0 else 0)
    return above, below


@st.composite
def uneven_samples(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    gaps = draw(st.lists(st.integers(1, 1800), min_size=1, max_size=60))
    times = list(accumulate(gaps, initial=LATE + draw(st.integers(0, 900))))
    values = draw(st.lists(st.integers(-9000, 9000), min_size=len(times), max_size=len(times)))
    return times, values


def bounds(times: list[int], step: int) -> tuple[float, float]:
    return times[0] // step * step, -(-(times[-1] + 1) // step) * step


@given(uneven_samples(), st.sampled_from([60, 900]))
def test_the_sum_is_the_exact_integral_of_the_straight_lines(samples, step) -> None:
    times, values = samples

    above, below, measured, estimated = total(integrate(times, values, *bounds(times, step), step))

    expected = exact(times, values)
    assert above == pytest.approx(float(expected[0]), abs=1e-6)
    assert below == pytest.approx(float(expected[1]), abs=1e-6)
    assert measured + estimated == pytest.approx(times[-1] - times[0], abs=1e-6)


@given(uneven_samples(), st.data())
def test_splitting_the_interval_never_changes_the_sum(samples, data) -> None:
    times, values = samples
    start, end = bounds(times, 900)
    cut = start + 900 * data.draw(st.integers(0, round((end - start) / 900)))

    whole = total(integrate(times, values, start, end, 900))
    parts = [total(integrate(times, values, a, b, 900)) for a, b in ((start, cut), (cut, end))]

    assert whole == pytest.approx([sum(column) for column in zip(*parts, strict=True)], abs=1e-6)


@given(uneven_samples())
def test_minutes_add_up_to_quarters(samples) -> None:
    times, values = samples
    start, end = bounds(times, 900)

    minutes, quarters = integrate(times, values, start, end, 60), integrate(times, values, start, end, 900)

    assert [sum(minutes.above_wh[i : i + 15]) for i in range(0, len(minutes), 15)] == pytest.approx(quarters.above_wh)


@given(uneven_samples())
def test_what_is_above_less_what_is_below_is_the_signed_integral(samples) -> None:
    times, values = samples
    above, below, *_ = total(integrate(times, values, *bounds(times, 900), 900))

    signed = sum((b - a) * (u + v) / 2 for a, b, u, v in zip(times, times[1:], values, values[1:], strict=False)) / 3600
    assert above - below == pytest.approx(signed, abs=1e-6)


@pytest.mark.parametrize(
    ("gap_s", "measured", "estimated"),
    [
        pytest.param(10, 3600, 0, id="one lost sample is measured"),
        pytest.param(60, 3600, 0, id="a minute is measured"),
        pytest.param(65, 3535, 65, id="more than a minute is estimated, all of it"),
        pytest.param(29 * 60, 3600 - 1740, 1740, id="29 minutes are bridged"),
        pytest.param(30 * 60, 1800, 1800, id="30 minutes are bridged"),
        pytest.param(31 * 60, 3600 - 1860, 0, id="31 minutes are left out"),
    ],
)
def test_a_gap_is_measured_estimated_or_left_out_by_its_length(gap_s, measured, estimated) -> None:
    times = [LATE + s + 0.123 for s in range(-5, 3606, 5) if not 900 < s < 900 + gap_s]

    above, _, got_measured, got_estimated = total(integrate(times, [1000.0] * len(times), LATE, LATE + 3600, 900))

    assert (got_measured, got_estimated) == pytest.approx((measured, estimated), abs=0.01)
    assert above == pytest.approx((measured + estimated) / 3.6, abs=0.01)


def test_six_dead_hours_are_left_out_and_nothing_is_made_up() -> None:
    times = [LATE + s for s in range(0, 86401, 15) if not 21600 < s < 43200]

    bins = integrate(times, [500.0] * len(times), LATE, LATE + DAY, 900)

    assert total(bins) == pytest.approx((9000, 0, 64800, 0))
    assert [bins.means()[i] for i in (24, 36, 47)] == [None, None, None]


@pytest.mark.parametrize(("interval_s", "limit"), [(5, 60), (15, 60), (20, 60), (60, 180), (300, 900)], ids=str)
def test_three_usual_intervals_are_measured_but_at_least_a_minute(interval_s, limit) -> None:
    assert measured_limit_s([LATE + n * interval_s for n in range(20)]) == limit


def test_the_value_at_an_edge_lies_on_the_line_between_its_neighbours() -> None:
    bins = integrate([LATE - 30, LATE + 30, LATE + 870, LATE + 930], [0, 600, 600, 0], LATE, LATE + 900, 900)

    assert total(bins)[0] == pytest.approx((450 * 30 + 600 * 840 + 450 * 30) / 3600)


def test_without_samples_around_the_edge_the_edge_is_not_covered() -> None:
    bins = integrate([LATE + 60, LATE + 840], [100, 100], LATE, LATE + 900, 900)

    assert total(bins)[2:] == (780, 0)


def test_peaks_are_samples_with_their_times_never_interpolated() -> None:
    bins = integrate([LATE - 10, LATE + 10, LATE + 20, LATE + 910], [900, 100, 300, 800], LATE, LATE + 900, 900)

    assert (bins.high, bins.high_at, bins.low, bins.low_at) == ([300], [LATE + 20], [100], [LATE + 10])


@pytest.mark.parametrize("times", [[], [LATE + 5]], ids=["no sample", "a single sample"])
def test_fewer_than_two_samples_cover_nothing(times) -> None:
    bins = integrate(times, [5.0] * len(times), LATE, LATE + 900, 900)

    assert bins.means() == [None]


@pytest.mark.parametrize(
    ("first", "last", "areas"),
    [
        (2, 4, (30, 0)),
        (-2, -4, (0, 30)),
        (10, -10, (25, 25)),
        (-5, 15, (56.25, 6.25)),
        (0, 0, (0, 0)),
        (0, -2, (0, 10)),
    ],
)
def test_a_line_is_split_where_it_crosses_zero(first, last, areas) -> None:
    assert split_areas(first, last, 10) == areas


def test_a_plain_mean_would_be_wrong_where_sampling_is_uneven() -> None:
    """Dense samples while little flows, sparse ones while much does: the trapezoid does not care."""
    times = [*range(LATE, LATE + 1800, 5), *range(LATE + 1800, LATE + 3601, 60)]
    values = [100.0] * 360 + [1000.0] * 31

    energy_wh = total(integrate(times, values, LATE, LATE + 3600, 900))[0]

    assert energy_wh == pytest.approx(550, rel=0.005)
    assert sum(values) / len(values) == pytest.approx(171.4, abs=0.1)
