"""The worker end to end on a drawn day: figures against exact arithmetic, formats, bad jobs."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from PIL import Image
from worker_world import Store, job, ports_of

from watchman.energy.slots import Role, Slot
from watchman.errors import QueryError, UsageError
from watchman.ports import Ports
from watchman.report.site import Incident, Told
from watchman.series import Series
from watchman.worker import run_job, serve


def test_the_energies_are_the_exact_integral_in_spite_of_lost_scrapes(home, exact) -> None:
    report = run_job(job(home), ports_of(home))["report"]

    assert report["energy_wh"] == pytest.approx(exact, rel=1e-6)
    assert report["complete"] is True
    assert report["coverage"]["overall"] == 1.0
    assert report["ratios"]["self_consumption"] == pytest.approx(1 - exact["grid_export"] / exact["production"])
    assert report["ratios"]["self_sufficiency"] == pytest.approx(1 - exact["grid_import"] / exact["consumption"])
    assert report["cost"]["saved"] == pytest.approx(
        (exact["consumption"] - exact["grid_import"]) / 1000 * 0.32 + exact["grid_export"] / 1000 * 0.08, abs=1e-3
    )


def test_the_object_has_every_key_of_the_contract(home) -> None:
    incident = Incident("GridImportSpike", {"severity": "notice"}, home.midnight + 3600, home.midnight + 5400)

    report = run_job(job(home), ports_of(home, incidents=lambda start, end: [incident]))["report"]

    assert report | {"energy_wh": {}, "cost": {}, "story": [], "flows_wh": {}, "figures": {}} == {
        "site": "home",
        "period": "day",
        "start": "2026-11-21T00:00:00-08:00",
        "end": "2026-11-22T00:00:00-08:00",
        "hours": 24,
        "coverage": dict.fromkeys(("production", "consumption", "grid", "battery", "state_of_charge", "overall"), 1.0),
        "coverage_by_energy": dict.fromkeys(("production", "consumption", "grid", "battery", "state_of_charge"), 1.0),
        "estimated": dict.fromkeys(("production", "consumption", "grid", "battery", "state_of_charge"), 0.0),
        "complete": True,
        "energy_wh": {},
        "flows_wh": {},
        "ratios": report["ratios"] | {"battery_round_trip": None},
        "peaks": {
            "grid_import_w": {"value": 2200.0, "at": "2026-11-21T00:50:05-08:00"},
            "grid_import_15min_w": {"value": 2200.0, "at": "2026-11-21T01:00:00-08:00"},
            "production_w": {"value": 5700.0, "at": "2026-11-21T11:45:00-08:00"},
            "consumption_w": {"value": 2600.0, "at": "2026-11-21T18:00:05-08:00"},
        },
        "battery": {
            "state_of_charge_min": 9.0,
            "state_of_charge_max": 100.0,
            "at_reserve_s": pytest.approx(6 * 3600 + 51 * 60, abs=120),
            "equivalent_full_cycles": pytest.approx(0.5094, abs=1e-4),
            "full_at": "2026-11-21T13:38:00-08:00",
        },
        "cost": {},
        "figures": {},
        "provenance": dict.fromkeys(
            (
                "production",
                "consumption",
                "grid_import",
                "grid_export",
                "battery_charge",
                "battery_discharge",
            ),
            "measured",
        ),
        "meters": [],
        "alerts": [
            {
                "alertname": "GridImportSpike",
                "labels": {"severity": "notice"},
                "started": "2026-11-21T01:00:00-08:00",
                "ended": "2026-11-21T01:30:00-08:00",
                "duration_s": 1800,
                "summary": "GridImportSpike",
                "held": None,
            }
        ],
        "held": [],
        "noisy": [],
        "told": [],
        "gaps": [],
        "previous_day": None,
        "mean_7d": None,
        "warnings": [],
        "title": "Home, Sat 21 Nov: nothing to do",
        "story": [],
    }


def test_the_phone_text_answers_why(home) -> None:
    push = run_job(job(home, "push"), ports_of(home))["push"]

    assert push == (
        "Sun 32.5 kWh, 69 % own power. Bought 5.8, sold 12.1 kWh: cost $0.88 instead of $5.94. "
        "Battery at its reserve 00:44-07:35 (2.2 kW from Fri 20:10), full 13:38. Clouds from 14:59.\n"
    )


def test_the_text_part_stands_by_itself(home) -> None:
    text = run_job(job(home, "text"), ports_of(home))["text"]

    for words in (
        "Home, Sat 21 Nov: nothing to do",
        "00:44  battery at its reserve until 07:35; 2.2 kW since Fri 20:10 (10.0 kWh)",
        "13:38  battery full",
        "14:59  clouds: sun swings between 0.5 and 4.0 kW",
        "18:00  big load until 19:30: 2.6 kW, 3.9 kWh",
        "sun 32.5 kWh: house 4.7, battery 15.7, sold 12.1",
        "Told you: nothing.",
        "Measured 100 % of the day.",
    ):
        assert words in text


class Tags(HTMLParser):
    """Collects images and checks that every opened tag is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.images: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.images.append(dict(attrs))
        if tag not in ("img", "br", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_mail_is_well_formed_small_and_its_picture_is_there(home) -> None:
    result = run_job(job(home, "html"), ports_of(home))
    tags = Tags()
    tags.feed(result["html"])
    tags.close()

    [picture] = result["attachments"]
    content = io.BytesIO(base64.b64decode(picture["content_base64"]))
    assert tags.open == []
    assert [image["src"] for image in tags.images] == [f"cid:{picture['name']}"]
    assert "2.2 kW from Fri 20:10" in str(tags.images[0]["alt"])
    assert Image.open(content).size == (1200, 740)
    assert len(content.getvalue()) < 60_000
    assert len(result["html"]) + len(content.getvalue()) * 4 / 3 < 100_000


def test_a_page_stands_alone(home) -> None:
    page = run_job(job(home, "page"), ports_of(home))["page"]

    assert 'src="data:image/png;base64,iVBOR' in page
    assert "cid:" not in page


def test_nothing_from_an_alert_is_taken_for_markup(home) -> None:
    nasty = Incident("X", {}, home.midnight, None, {"summary": '<script>alert("x")</script>'})

    html = run_job(job(home, "html"), ports_of(home, incidents=lambda start, end: [nasty]))["html"]

    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_hole_comes_first_and_nothing_is_made_up(home, exact) -> None:
    home.outage = (11 * 3600 + 300, 14 * 3600 + 900)

    result = run_job(job(home, "push"), ports_of(home))

    report = result["report"]
    assert result["title"] == "Home, Sat 21 Nov: 3 h 10 missing"
    assert result["push"].startswith("Sun at least 15.9 kWh (87 % measured), 66 % own power.")
    assert "No data 11:05-14:15." in result["push"]
    assert "full by 14:15" in result["push"]
    assert report["complete"] is False
    assert report["coverage"]["overall"] == pytest.approx(1 - 190 / 1440, abs=0.001)
    assert report["energy_wh"]["production"] < exact["production"]
    assert report["gaps"][0]["start"] == "2026-11-21T11:05:00-08:00"
    assert report["battery"]["full_at"] is None


def test_a_day_without_data_has_no_zeros_and_no_picture(home) -> None:
    home.outage = (-(10**6), 10**6)

    result = run_job(job(home, "text", "push", "html"), ports_of(home))

    assert result["title"] == "Home, Sat 21 Nov: no data"
    assert set(result["report"]["energy_wh"].values()) == {None}
    assert set(result["report"]["ratios"].values()) == {None}
    assert result["report"]["peaks"]["production_w"] == {"value": None, "at": None}
    assert result["report"]["coverage"]["production"] == 0
    assert (result["attachments"], "<img" in result["html"]) == ([], False)
    assert not re.search(r"\b0(\.0)? (kWh|%)|Sun|Bought|cost", result["text"])
    assert "Nothing was measured" in result["push"]


def test_a_day_that_has_not_begun_says_so(home) -> None:
    result = run_job(job(home, "push"), ports_of(home, now=lambda: home.midnight - 3600))

    assert result["title"] == "Home, Sat 21 Nov: not begun"
    assert result["report"]["warnings"] == ["the day has not begun"]


def test_the_first_minutes_of_a_day_are_not_called_a_day_without_data(home) -> None:
    result = run_job(job(home, "push", "text"), ports_of(home, now=lambda: home.midnight + 300))

    assert result["title"] == "Home, Sat 21 Nov so far: just begun"
    assert result["push"].startswith("The day has just begun")
    assert result["report"]["warnings"] == ["the day has just begun"]
    assert "Nothing was measured" not in result["text"]


def test_a_day_that_still_runs_is_no_hole(home) -> None:
    noon = home.midnight + 12 * 3600 + 100

    result = run_job(
        job(home, "push"),
        ports_of(home, now=lambda: noon, fetch_raw=lambda s, a, b: home.fetch_raw(s, a, min(b, noon))),
    )

    assert result["title"] == "Home, Sat 21 Nov so far: nothing to do"
    assert result["report"]["complete"] is False
    assert "No data" not in result["push"]
    assert result["report"]["gaps"] == []


def test_a_site_without_a_battery_says_nothing_of_one(home) -> None:
    small = home.with_site(roles=(Role.PRODUCTION,), tariff=None, reserve_percent=None, capacity_wh=None)

    result = run_job(job(small, "text", "html"), ports_of(small))

    report = result["report"]
    assert report["energy_wh"]["production"] == pytest.approx(32_515)
    assert report["energy_wh"]["grid_import"] is None
    assert report["coverage"]["battery"] is None
    assert report["ratios"] == {"self_consumption": None, "self_sufficiency": None, "battery_round_trip": None}
    assert set(report["cost"].values()) == {None}
    assert "Battery" not in result["text"]
    assert "not configured: house, grid, battery, state of charge" in result["text"]


def test_an_open_alert_is_the_verdict(home) -> None:
    fault = Incident(
        "BatteryFault",
        {"severity": "critical"},
        home.midnight + 80000,
        None,
        {"summary": "The battery reports a fault"},
    )

    result = run_job(job(home, "push"), ports_of(home, incidents=lambda start, end: [fault]))

    assert result["title"] == "Home, Sat 21 Nov: The battery reports a fault"
    assert "22:13 The battery reports a fault, 1 h 47, still on" in result["push"]


def test_what_was_told_and_what_was_held_back(home) -> None:
    held = Incident(
        "BatteryAtReserve", {"severity": "notice"}, home.midnight + 3000, home.midnight + 9000, held="news_after 3d"
    )
    told = Told(home.midnight + 65520, "Unusual grid import: 7.0 kW")

    text = run_job(
        job(home, "text"), ports_of(home, incidents=lambda start, end: [held], told=lambda start, end: [told, told])
    )["text"]

    assert "Told you: 18:12 Unusual grid import: 7.0 kW." in text
    assert "00:50 BatteryAtReserve, 1 h 40 (held back: news_after 3d)" in text


def test_without_prometheus_the_job_fails_unless_it_may_go_on(home) -> None:
    store = Store()
    run_job(job(home), ports_of(home, store))

    def refused(selector: str, start: float, end: float) -> list[Series]:
        raise QueryError("connection refused", "connect")

    ports = ports_of(home, store, fetch_raw=refused)
    with pytest.raises(QueryError):
        run_job(job(home), ports)

    result = run_job(job(home, "html") | {"offline": True}, ports)
    assert result["report"]["energy_wh"]["production"] == pytest.approx(32_515)
    assert "Prometheus did not answer (connection refused)" in result["report"]["warnings"][0]
    assert "times and chart come from the ledger's quarters of an hour" in result["report"]["warnings"][1]
    assert result["attachments"]


def test_samples_that_prometheus_has_forgotten_are_replaced_by_the_ledger_and_that_is_said(home) -> None:
    store = Store()
    run_job(job(home), ports_of(home, store))
    noon = home.midnight + 12 * 3600

    result = run_job(
        job(home, "html"), ports_of(home, store, fetch_raw=lambda s, a, b: home.fetch_raw(s, max(a, noon), b))
    )

    report = result["report"]
    assert report["energy_wh"]["production"] == pytest.approx(32_515)
    assert report["gaps"] == []
    assert report["warnings"] == [
        "the samples were not there: times and chart come from the ledger's quarters of an hour"
    ]


def test_values_that_stood_still_are_left_out_and_called_frozen(home, exact) -> None:
    """The exporter repeats its values from 11:05 to 14:15; the car is told to tremble, so that it is seen to move."""
    first, last = 11 * 3600 + 300, 14 * 3600 + 900

    def repeated(selector: str, start: float, end: float) -> list[Series]:
        found = []
        for one in home.fetch_raw(selector, start, end):
            values = dict(zip(one.times, one.values, strict=True))
            tremble = selector == "home_consumption"
            stop = home.midnight + first
            moved = {t: v + (round(t) // 5 % 2 if tremble else 0) for t, v in values.items()}
            still = [moved.get(stop, 0) if stop <= t <= home.midnight + last else moved[t] for t in one.times]
            found.append(Series(one.labels, one.times, still))
        return found

    result = run_job(job(home, "push"), ports_of(home, fetch_raw=repeated))

    assert result["title"] == "Home, Sat 21 Nov: 3 h 10 missing"
    assert "Old values repeated 11:05-14:15: not counted." in result["push"]
    [gap] = result["report"]["gaps"]
    assert (gap["start"], gap["reason"], len(gap["roles"])) == ("2026-11-21T11:05:00-08:00", "frozen", 5)
    assert result["report"]["energy_wh"]["production"] == pytest.approx(exact["production"] * 0.489, rel=0.01)


def test_facts_ask_for_two_flows_of_the_ledger(home) -> None:
    asked: list[tuple[str, ...]] = []

    def read(start: float, end: float, flows: Collection[str] = ()) -> list[Slot]:
        if end - start > 100 * 86400:
            asked.append(tuple(flows))
        return []

    run_job({"kind": "facts"}, ports_of(home, read_slots=read))

    assert asked == [("production", "consumption")]


def test_the_same_samples_are_asked_once(home) -> None:
    store = Store()
    ports = ports_of(home, store)
    run_job(job(home), ports)
    home.fetched.clear()

    run_job(job(home), ports)

    assert len(home.fetched) == len(set(home.fetched))


def test_yesterday_and_the_week_are_compared(home) -> None:
    """The same day seven times in the ledger: the mean is the day, and every change is none."""
    store = Store()
    run_job(job(home), ports_of(home, store))
    day_rows = [slot for slot in store.rows.values() if home.midnight <= slot.start < home.midnight + 86400]
    for n in range(1, 8):
        moved = [Slot(s.site, s.start - n * 86400, s.flow, s.wh, s.measured_s, s.estimated_s) for s in day_rows]
        store.write(moved)

    result = run_job(job(home, "text", "html"), ports_of(home, store))

    report = result["report"]
    assert report["mean_7d"]["days"] == 7
    assert report["mean_7d"]["energy_wh"] == pytest.approx(report["energy_wh"])
    assert report["previous_day"]["energy_wh"] == pytest.approx(report["energy_wh"])
    assert "against the mean of the last 7 whole days" in result["html"]
    assert "kWh              this day  day before 7-day mean" in result["text"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "unknown job None"),
        ({"kind": "dance"}, "unknown job 'dance'"),
        ({"kind": "report"}, "None is not a date"),
        ({"kind": "report", "date": "21.11.2026"}, "'21.11.2026' is not a date"),
        ({"kind": "report", "date": "2026-11-21", "period": "aeon"}, "unknown period 'aeon'"),
        ({"kind": "report", "date": "2026-11-21", "formats": ["pdf"]}, "unknown formats"),
        ({"kind": "settle", "start": "x"}, "needs start and end"),
    ],
)
def test_a_wrong_job_is_told_in_one_line(home, wrong, message) -> None:
    with pytest.raises(UsageError, match=message):
        run_job(wrong, ports_of(home))


def serve_text(text: str, make_ports: Callable[..., Ports]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return serve(make_ports, io.StringIO(text), out, err), out.getvalue(), err.getvalue()


def test_a_job_over_pipes_gives_one_object_and_progress(home) -> None:
    start = home.midnight - 86400
    text = json.dumps({"kind": "settle", "start": start, "end": start + 2 * 86400})

    code, out, err = serve_text(text, lambda progress: ports_of(home, progress=progress))

    assert code == 0
    assert json.loads(out)["written"] > 0
    assert err.splitlines() == ["settled 0 of 2 days", "settled 1 of 2 days", "settled 2 of 2 days"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "dance"}'])
def test_a_broken_job_ends_with_one_line_and_exit_1(home, text) -> None:
    code, out, err = serve_text(text, lambda progress: ports_of(home))

    assert (code, out, len(err.splitlines())) == (1, "", 1)


def test_facts_of_a_young_ledger_are_not_known(home) -> None:
    assert run_job({"kind": "facts"}, ports_of(home))["facts"] == {
        "usual_peak_production_w": None,
        "usual_day_production_wh": None,
        "usual_night_load_w": None,
        "good_days": 1,
        "full_nights": 1,
        "days_needed": 3,
    }


def test_facts_come_from_the_good_days_of_the_ledger(home) -> None:
    store = Store()
    run_job(job(home), ports_of(home, store))
    day_rows = [slot for slot in store.rows.values() if home.midnight <= slot.start < home.midnight + 86400]
    for n in range(1, 5):
        store.write(
            [Slot(s.site, s.start - n * 86400, s.flow, s.wh, s.measured_s, 0.0, s.peak, s.peak_at) for s in day_rows]
        )

    facts = run_job({"kind": "facts"}, ports_of(home, store))["facts"]

    assert facts == {
        "usual_peak_production_w": 5700,
        "usual_day_production_wh": pytest.approx(32_515),
        "usual_night_load_w": pytest.approx(500),
        "good_days": 4,
        "full_nights": 4,
        "days_needed": 3,
    }


def test_times_of_the_day_are_the_sites(home) -> None:
    report = run_job(job(home), ports_of(home))["report"]

    start = datetime.fromisoformat(report["start"])
    assert start.utcoffset() == timedelta(hours=-8)
    assert start.astimezone(UTC).timestamp() == home.midnight
