"""Where a backfill begins, and what the worker and the daemon make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import click
import pytest

from watchman.checks import check_retention
from watchman.cli.energy_backfill import _progress
from watchman.energy.settle import Memory
from watchman.energy.slots import Asked, Role, Slot
from watchman.errors import UsageError
from watchman.localtime import local_day
from watchman.report.site import Site
from watchman.series import Series
from watchman.worker import Ports, first_day, run_job

BERLIN = ZoneInfo("Europe/Berlin")
TODAY = date(2026, 11, 22)
NOW = local_day(TODAY, BERLIN)[0] + 8 * 3600


def ports(first_sample: float | None, questions: list[float], lines: list[str]) -> Ports:
    """A Prometheus with a sample a minute from one moment on, and a ledger in a dict."""
    rows: dict[tuple[int, str], Slot] = {}
    asked: dict[int, Asked] = {}

    def fetch(_selector: str, start: float, end: float) -> list[Series]:
        times = [float(ts) for ts in range(int(start // 60 * 60), int(end), 60) if first_sample and ts >= first_sample]
        return [Series({}, times, [600.0] * len(times))]

    def has_before(_exprs: Sequence[str], ts: float) -> bool:
        questions.append(ts)
        return first_sample is not None and first_sample < ts

    return Ports(
        site=Site("home", "Europe/Berlin", (Role.PRODUCTION,), None, None, None),
        roles={Role.PRODUCTION: "sun_watts"},
        fetch_raw=fetch,
        fetch_range=lambda *_: [],
        read_slots=lambda start, end, flows=(): [s for s in rows.values() if start <= s.start < end],
        write_slots=lambda slots: rows.update({(slot.start, slot.flow): slot for slot in slots}),
        incidents=lambda *_: [],
        told=lambda *_: [],
        now=lambda: NOW,
        progress=lines.append,
        memory=Memory(lambda start, end: asked, lambda one: asked.update({one.start: one})),
        has_before=has_before,
    )


@pytest.mark.parametrize("days", [0, 1, 2, 7, 100, 1000, 3000])
def test_the_first_day_is_found_in_a_dozen_questions(days) -> None:
    wanted, questions = TODAY - timedelta(days=days), []
    for second in (0, 1, 40_000, 82_700):
        first_sample = min(local_day(wanted, BERLIN)[0] + second, NOW - 1)
        assert first_day(ports(first_sample, questions, []), NOW) == wanted
    assert len(questions) <= 4 * 14


def test_a_prometheus_without_samples_gives_nothing_to_do() -> None:
    assert run_job({"kind": "backfill"}, ports(None, [], [])) == {"first": None, "days": 0, "written": 0}


def test_a_backfill_asks_for_each_day_once_and_tells_how_far_it_is() -> None:
    lines: list[str] = []
    home = ports(local_day(date(2026, 11, 18), BERLIN)[0] + 3600, [], lines)

    first = run_job({"kind": "backfill"}, home)
    second = run_job({"kind": "backfill"}, replace(home, now=lambda: NOW + 3600))
    since = run_job({"kind": "backfill", "since": "2026-11-19", "again": True}, home)

    assert (first["first"], first["days"]) == ("2026-11-18", 5)
    assert second["days"] == 2, "today and yesterday, which may have changed"
    assert (since["days"], since["written"]) == (4, 0)
    assert lines[:6] == [f"settled {n} of 5 days" for n in range(6)]


def test_a_wrong_date_is_refused() -> None:
    with pytest.raises(UsageError, match="not a date"):
        run_job({"kind": "backfill", "since": "yesterday"}, ports(None, [], []))


def test_a_stopped_backfill_says_what_is_kept_and_exits_as_a_stopped_command(capsys) -> None:
    with pytest.raises(click.exceptions.Exit) as ended, _progress() as tell:
        tell(3, 15)
        raise KeyboardInterrupt

    assert ended.value.exit_code == 130
    assert capsys.readouterr().err.endswith("stopped; 3 of 15 days are in the ledger, the next run goes on\n")


EVERY = {role: role.value for role in Role}
A_DAY = [float(ts) for ts in range(int(NOW) - 2 * 86400, int(NOW), 60)]


@pytest.mark.parametrize(
    "job", [{"kind": "facts"}, {"kind": "backfill"}, {"kind": "report", "formats": ["text", "push"]}]
)
@pytest.mark.parametrize(
    ("roles", "there"),
    [
        pytest.param(EVERY, {}, id="an empty Prometheus"),
        pytest.param(EVERY, {"production": A_DAY}, id="one role of six has samples"),
        pytest.param(EVERY, dict.fromkeys(EVERY.values(), A_DAY) | {"grid_feed_in": []}, id="one has none"),
        pytest.param(EVERY, dict.fromkeys(EVERY.values(), A_DAY[:1]), id="a single sample each"),
        pytest.param(
            EVERY, dict.fromkeys(EVERY.values(), A_DAY) | {"consumption": A_DAY[:100]}, id="one ends before the others"
        ),
        pytest.param({Role.PRODUCTION: "production"}, {"production": A_DAY}, id="a home with a roof alone"),
        pytest.param({Role.STATE_OF_CHARGE: "state_of_charge"}, {"state_of_charge": A_DAY}, id="a gauge alone"),
    ],
)
def test_whatever_is_lacking_every_job_ends_well(job, roles, there) -> None:
    def fetch(selector: str, start: float, end: float) -> list[Series]:
        times = [ts for ts in there.get(selector, []) if start <= ts <= end]
        return [Series({}, times, [40.0 + ts % 7 for ts in times])] if times else []

    home = replace(
        ports(A_DAY[0], [], []),
        site=Site("home", "Europe/Berlin", tuple(roles), 16000, 10, None),
        roles=roles,
        fetch_raw=fetch,
    )
    wanted = {"date": str(TODAY - timedelta(days=1))} if job["kind"] == "report" else {}

    assert run_job({**job, **wanted}, home)


@pytest.mark.parametrize(
    ("retention", "size", "periods", "says"),
    [
        pytest.param("8d8h", "0B", ["day"], "", id="dockprom and a daily report"),
        pytest.param("7d", "0B", ["day"], "it forgets after 7 days and the reports look back 8", id="a week"),
        pytest.param("8d8h", "0B", ["day", "month"], "after 8.33 days and the reports look back 62", id="a month"),
        pytest.param("0s", "0B", ["month"], "after 15 days", id="nobody set it"),
        pytest.param("0s", "5GB", ["year"], "", id="kept by size"),
        pytest.param("10y", "0B", ["year"], "", id="ten years"),
        pytest.param("1d", "0B", [], "", id="no reports"),
        pytest.param("", "", ["day"], "", id="a server that does not tell"),
    ],
)
def test_a_retention_too_short_for_the_reports_is_named(retention, size, periods, says) -> None:
    flags = {"storage.tsdb.retention.time": retention, "storage.tsdb.retention.size": size}

    found = list(check_retention(flags, periods))

    assert bool(found) == bool(says)
    assert all(says in one.text and not one.serious for one in found)
