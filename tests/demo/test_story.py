"""What the demo calls right and wrong: the story's steps, the pushes and mails it looks for, the figures."""

from __future__ import annotations

import pytest

from watchman.demo.mail import Mail, Picture
from watchman.demo.push import Push
from watchman.demo.story import (
    STEPS,
    Story,
    alert_states,
    faults,
    figures,
    find_digest,
    in_alertmanager,
    is_about_the_cut,
    is_digest,
)
from watchman.sonnen.simulator import Energy

TRUTH = Energy(27_412, 21_880, 7_630, 11_190, 13_940, 12_010)
TEXT = """Home, Sat 21 Nov: nothing to do

Sun 27.4 kWh, 65 % own power.

kWh              this day  day before 7-day mean
Sun                  27.4        6.1       20.0
House                21.9       16.8       18.0
Bought                7.6       16.8        9.0
Sold                 11.2          0        7.5
Into battery         13.9        3.0       10.1
Out of battery       12.0        8.1        9.9
Own power            65 %       24 %       50 %
"""


def mail(text: str = TEXT, html: str = '<img src="cid:day.png">', picture: bytes = b"\x89PNG\r\n\x1a\n...") -> Mail:
    return Mail(1, 0.0, "a", ("b",), "s", text, html, (Picture("day.png", "image/png", picture),))


def test_a_story_keeps_the_first_time_of_each_step() -> None:
    told = Story()
    assert told.note("cut", 10.0)
    assert not told.note("cut", 11.0)
    assert not told.note("cut", 10.0)
    assert told.seen == {"cut": 10.0}


def test_a_story_tells_its_steps_in_the_order_of_time_and_what_is_missing() -> None:
    told = Story({"push": 25.0, "cut": 11.0, "pending": 19.0})
    assert told.line(lambda ts: f"0:{ts:.0f}") == "cut 0:11, pending 0:19, push 0:25"
    assert told.missing() == [STEPS["firing"], STEPS["alertmanager"], STEPS["digest"]]
    assert Story(dict.fromkeys(STEPS, 1.0)).missing() == []


@pytest.mark.parametrize("without", ["firing", "push", "alertmanager", None])
def test_power_returns_only_when_everybody_knows(without: str | None) -> None:
    seen = {step: 1.0 for step in ("firing", "push", "alertmanager") if step != without}
    assert Story(seen).told() is (without is None)


@pytest.mark.parametrize(
    ("answer", "states"),
    [
        ({"data": {"alerts": []}}, set()),
        ({"data": {"alerts": [{"labels": {"alertname": "GridDown"}, "state": "pending"}]}}, {"pending"}),
        ({"data": {"alerts": [{"labels": {"alertname": "Other"}, "state": "firing"}]}}, set()),
        ({}, set()),
        ({"data": None}, set()),
    ],
    ids=["none", "pending", "another alert", "no data", "null data"],
)
def test_alert_states_of_the_daemon(answer: dict[str, object], states: set[str]) -> None:
    assert alert_states(answer) == states


def test_the_alert_is_found_in_the_alertmanager() -> None:
    assert in_alertmanager([{"labels": {"alertname": "Other"}}, {"labels": {"alertname": "GridDown"}}])
    assert not in_alertmanager([{"labels": {"alertname": "Other"}}, {}])


@pytest.mark.parametrize(
    ("title", "message", "about"),
    [
        ("Power cut since 19:02", "House on battery: 62 %", True),
        ("Home", "GridDown is firing", True),
        ("Unusual grid import: 7.0 kW", "For 15 min", False),
    ],
)
def test_a_push_about_the_cut(title: str, message: str, about: bool) -> None:
    assert is_about_the_cut(Push(1, 0.0, "home", title, message, 5, ())) is about


@pytest.mark.parametrize(
    ("message", "yes"),
    [
        (mail(), True),
        (mail(text="Hello"), False),
        (mail(html="<p>no picture</p>"), False),
        (mail(picture=b"GIF89a"), False),
    ],
    ids=["a digest", "no table", "picture not shown", "no PNG"],
)
def test_a_digest_has_its_table_and_a_shown_picture(message: Mail, yes: bool) -> None:
    assert is_digest(message) is yes


def test_true_figures_are_right() -> None:
    assert [(figure.name, figure.told_kwh, figure.right) for figure in figures(mail(), TRUTH)] == [
        ("Sun", 27.4, True),
        ("House", 21.9, True),
        ("Bought", 7.6, True),
        ("Sold", 11.2, True),
        ("Into battery", 13.9, True),
        ("Out of battery", 12.0, True),
    ]


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ("Sun                  27.7", "Sun"),
        ("Bought                7.5", "Bought"),
        ("Sold                    0", "Sold"),
    ],
)
def test_a_figure_that_is_off_is_wrong(row: str, wrong: str) -> None:
    name = row.split(maxsplit=1)[0]
    text = "\n".join(row if line.startswith(f"{name} ") and "kWh" not in line else line for line in TEXT.splitlines())
    assert [figure.name for figure in figures(mail(text), TRUTH) if not figure.right] == [wrong]


def test_a_row_that_the_mail_lacks_is_wrong() -> None:
    assert not any(figure.right for figure in figures(mail("Sun 27.4 kWh"), TRUTH) if figure.name != "Sun")


def test_the_first_digest_among_the_mails_is_found() -> None:
    first, other = mail(), mail(text="Hello")
    assert find_digest([other, first, mail()]) is first
    assert find_digest([other]) is None


def test_the_demo_is_right_only_if_everything_was_seen_and_every_figure_is_true() -> None:
    done = Story(dict.fromkeys(STEPS, 1.0))
    assert faults(done, mail(), TRUTH) == []
    assert faults(done, mail(TEXT.replace("27.4  ", "29.4  ")), TRUTH) == [
        "the digest is wrong: Sun 29.4 kWh (truly 27.41) WRONG"
    ]
    assert faults(Story(), None, TRUTH) == list(STEPS.values())


def test_a_story_is_complete_when_the_power_is_back_too() -> None:
    seen = dict.fromkeys(STEPS, 1.0)
    assert not Story(dict(seen)).complete()
    assert Story({**seen, "back": 2.0}).complete()
    assert not Story({"back": 2.0}).complete()
