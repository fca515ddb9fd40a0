"""What a phone shows: title, at most three lines, local time, plain text, bounded; a template never costs a message."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notify_world import BERLIN, HOUR, T0, alert

from watchman.notify.ack import Ack
from watchman.notify.dedup import Reason
from watchman.notify.message import ActiveAlert, ChartWish
from watchman.notify.orders import make_choices
from watchman.notify.plan import Notification
from watchman.notify.render import TEXT_LIMIT, TITLE_LIMIT, make_renderer, template_faults
from watchman.notify.wording import Templates
from watchman.notify.words import clean, cut, duration, local_time, number

render = make_renderer(BERLIN)
# T0 is Fri 21 Nov 2025, 05:40 in Berlin.
WORDS = {
    "summary": "Power cut",
    "description": "House on battery: 62 %, 7.1 kWh.\nAt 0.8 kW about 8 h.\nBig loads off.",
}


def note(
    firing: list[ActiveAlert], resolved: list[ActiveAlert] | None = None, reason: Reason = Reason.FIRST, at: float = 0.0
) -> Notification:
    new = frozenset(one.fingerprint for one in firing)
    return Notification("phone", "{}:{}", {}, reason, tuple(firing), tuple(resolved or ()), new, T0 + at)


def test_one_alert_is_summary_since_and_description() -> None:
    message = render(note([alert(severity="critical", annotations=WORDS)]))

    assert message.title == "Power cut"
    assert message.text.splitlines() == [
        "Since 05:40. House on battery: 62 %, 7.1 kWh.",
        "At 0.8 kW about 8 h.",
        "Big loads off.",
    ]
    assert message.severity == "critical"


def test_a_repeat_says_still_and_how_long() -> None:
    message = render(note([alert(annotations=WORDS)], reason=Reason.REPEAT, at=7800))

    assert message.title == "Still: Power cut"
    assert message.text.startswith("Since 05:40 (2 h 10). House on battery")


def test_the_end_gives_true_end_and_duration() -> None:
    message = render(note([], [alert(annotations=WORDS, end=7800)], Reason.ALL_RESOLVED, at=7900))

    assert message.title == "Over: Power cut"
    assert message.text == "05:40 to 07:50, was 2 h 10."
    assert message.severity == "resolved"


def test_the_start_is_that_of_the_condition_not_of_the_firing() -> None:
    late = replace(alert(annotations=WORDS), starts_at=T0 + 900, since=T0)

    assert render(note([late], at=900)).text.startswith("Since 05:40.")


def test_without_annotations_name_and_value_stand_in() -> None:
    bare = replace(alert("GridImportSpike", annotations={"x": "y"}), value=7012.4)

    assert (render(note([bare])).title, render(note([bare])).text) == ("GridImportSpike", "Since 05:40. Value 7012.")


def test_several_alerts_are_a_list_with_what_is_new_and_what_is_over() -> None:
    one = alert("A", annotations={"summary": "First thing"})
    two = alert("B", at=60, annotations={"summary": "Second thing"})
    gone = alert("C", annotations={"summary": "Third thing"}, end=120)
    notification = Notification(
        "phone", "{}:{}", {}, Reason.NEW_ALERTS, (one, two), (gone,), frozenset({two.fingerprint}), T0 + 300
    )

    assert render(notification).title == "2 alerts: First thing"
    assert render(notification).text.splitlines() == [
        "- First thing, since 05:40",
        "- New: Second thing, since 05:41",
        "- Over: Third thing, 05:40 to 05:42, was 2 min",
    ]


@pytest.mark.parametrize(
    ("notification", "title"),
    [
        (note([], [alert("A", end=1.0), alert("B", end=1.0)], Reason.ALL_RESOLVED, 9), "Over: 2 alerts, A"),
        (note([alert("A")], [alert("B", end=1.0)], Reason.SOME_RESOLVED, 9), "1 over, 1 left: A"),
        (note([alert("A"), alert("B")], [], Reason.REPEAT, 9), "Still 2 alerts: A"),
    ],
)
def test_the_title_of_several_says_what_happened(notification: Notification, title: str) -> None:
    assert render(notification).title == title


def test_a_long_list_is_cut_with_its_rest_counted() -> None:
    text = render(note([alert(f"A{i:02}") for i in range(30)])).text

    assert text.splitlines()[-1] == "and 20 more"


@pytest.mark.parametrize(
    "template", ["{{ 1 / 0 }}", "{{ nothing.at.all }}", "{{ alerts[99].x }}", "{{ ''.__class__.__mro__ }}"]
)
def test_a_template_that_fails_is_replaced_by_the_shipped_one_and_says_so(template: str) -> None:
    note_ = note([alert(annotations=WORDS)])
    message = make_renderer(BERLIN, {"phone": Templates(template, template, template)})(note_)

    assert (message.title, message.text, message.html) == (render(note_).title, render(note_).text, render(note_).html)
    assert [fault.partition(":")[0] for fault in message.template_faults] == ["title", "text", "html"]


def test_a_receiver_has_its_own_words_and_the_others_the_shipped_ones() -> None:
    own = make_renderer(BERLIN, {"phone": Templates(text="{{ firing[0].labels.host }} {{ reason }}")})
    there = note([alert(host="attic")])

    assert own(there).text == "attic first notification"
    assert own(replace(there, receiver="mail")).text == "Since 05:40."


@pytest.mark.parametrize(
    ("part", "source", "words"),
    [
        ("title", "{% for %}", "line 1: "),
        ("text", "a\nb {{ alert.sumary }", "line 2: "),
        ("text", "{{ alerts[0].sumary }}", "UndefinedError: "),
        ("text", "{{ alerts[1].summary }}", "UndefinedError: "),
        ("html", "{{ alerts | nofilter }}", "nofilter"),
        ("title", "{{ ''.__class__.__mro__ }}", "SecurityError: "),
        ("text", "x" * 100_001, "longer than"),
    ],
)
def test_what_is_wrong_with_a_template_is_told_before_it_is_needed(part: str, source: str, words: str) -> None:
    [(where, fault)] = template_faults(Templates(**{part: source}), BERLIN)

    assert (where, words in fault) == (part, True), fault


@pytest.mark.parametrize(
    "source",
    ["{{ alerts[0].labels.host }} {{ group_labels.sn }}", "{{ 7012 | power }}", "{% if resolved %}{% endif %}x"],
)
def test_a_template_may_ask_for_any_label_of_an_alert(source: str) -> None:
    assert list(template_faults(Templates(text=source), BERLIN)) == []


def test_html_escapes_whatever_an_alert_says() -> None:
    bad = '<script>alert("x")</script>'
    words = {"summary": bad, "description": bad, "runbook_url": "javascript:alert(1)"}
    message = render(note([alert(annotations=words, host=bad)]))

    assert message.html is not None
    assert "<script" not in message.html
    assert "&lt;script&gt;" in message.html
    assert "javascript:" not in message.html


def test_an_own_html_template_escapes_too() -> None:
    own = make_renderer(BERLIN, {"phone": Templates(html="<b>{{ alerts[0].summary }}</b>")})

    assert own(note([alert(annotations={"summary": "<i>"})])).html == "<b>&lt;i&gt;</b>"


def test_who_has_acknowledged_what_stands_beside_it() -> None:
    one, two = alert("A"), alert("B", at=60)
    acks = [Ack(one.fingerprint, T0, "phone", T0 + 120)]

    assert render(note([one, two], reason=Reason.NEW_ALERTS), acks=acks).text.splitlines() == [
        "- New: A, since 05:40, acknowledged by phone at 05:42",
        "- New: B, since 05:41",
    ]
    assert render(note([one], reason=Reason.REPEAT, at=3600), acks=acks).text == (
        "Since 05:40 (1 h), acknowledged by phone at 05:42."
    )


def test_html_holds_the_links_and_nothing_without_an_address() -> None:
    choices = make_choices(b"k", "0" * 24, T0, address="https://home.example")
    html = str(render(note([alert()]), choices).html)

    assert choices is not None
    assert all(f'href="{action.link}"' in html and action.label in html for action in choices.actions)
    assert "href" not in str(render(note([alert()]), make_choices(b"k", "0" * 24, T0, topic="https://n/t")).html)


def test_a_value_is_said_with_its_unit() -> None:
    bare = replace(alert("Import", annotations={"unit": "W"}), value=7012.4)

    assert render(note([bare])).text == "Since 05:40. Value 7.0 kW."


def test_a_chart_goes_with_what_is_not_critical_and_shows_the_hours_before() -> None:
    words = {**WORDS, "chart": "power_watts", "unit": "W"}
    message = render(note([alert(annotations=words)], at=60))

    assert message.chart == ChartWish("power_watts", T0 + 60 - 6 * HOUR, T0 + 60, T0, "W")
    assert 'src="cid:chart.png"' in str(message.html)
    assert render(note([alert(severity="critical", annotations=words)])).chart is None
    assert render(note([], [alert(annotations=words, end=60)], Reason.ALL_RESOLVED, 90)).chart is None


def test_a_chart_of_something_old_shows_a_week_at_most() -> None:
    chart = render(note([alert(annotations={"chart": "x"})], at=30 * 24 * HOUR)).chart

    assert chart is not None
    assert chart.end - chart.start == 7 * 24 * HOUR


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["summary", "description"]), st.text(max_size=3000)), st.floats(0, 1e9))
def test_whatever_an_alert_says_lengths_hold_and_no_control_character_passes(words: dict[str, str], at: float) -> None:
    message = render(note([alert(annotations=words)], at=at))

    assert 0 < len(message.title) <= TITLE_LIMIT
    assert 0 < len(message.text) <= TEXT_LIMIT
    assert len(message.text.splitlines()) <= 3
    assert all(
        char == "\n" or char.isprintable() or char.isspace() or ord(char) > 0x9F
        for char in message.title + message.text
    )
    (message.title + message.text).encode()


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("short", 10, "short"),
        ("exactly ten", 11, "exactly ten"),
        ("one two three four", 12, "one two..."),
        ("onewordthatislong", 10, "oneword..."),
        ("one two, three", 12, "one two..."),
    ],
)
def test_texts_are_cut_where_a_word_ends(text: str, limit: int, expected: str) -> None:
    assert cut(text, limit) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "0 s"), (20, "20 s"), (59.6, "1 min"), (2700, "45 min"), (3599, "1 h"), (7800, "2 h 10"), (7200, "2 h"),
        (25 * HOUR, "1 d 1 h"), (72 * HOUR, "3 d"),
    ],
)  # fmt: skip
def test_durations_as_people_say_them(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


@pytest.mark.parametrize(
    ("ts", "expected"),
    [
        (T0, "05:40"),
        (T0 - 6 * HOUR, "Thu 23:40"),
        (T0 - 7 * 24 * HOUR, "14 Nov 05:40"),
        (T0 - 330 * 24 * HOUR, "26 Dec 2024 05:40"),
        (1e18, "an unknown time"),
    ],
)
def test_local_times_name_the_day_only_where_it_is_not_today(ts: float, expected: str) -> None:
    assert local_time(ts, T0, BERLIN) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(None, ""), (float("nan"), ""), (7012.4, "7012"), (0.12345, "0.1235"), (62.0, "62")]
)
def test_values_have_the_figures_that_matter(value: float | None, expected: str) -> None:
    assert number(value) == expected


def test_a_message_cannot_turn_its_direction_or_hide_a_line() -> None:
    assert clean("a\u202eb\x00c\r\nd\x1b[31m\ud800") == "abc\nd[31m"


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in range(9000) %}{% for b in range(9000) %}{% endfor %}{% endfor %}",
        "{% for a in range(10**9) %}x{% endfor %}",
        "{{ 'x' * 10**9 }}",
        "{{ 9**(9**9) }}",
        "{{ [[1] * 1000000] * 1000000 }}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
        "{{ alerts.__class__.__mro__ }}",
        "{{ render.__globals__ }}",
        "{{ ''.__class__ }}",
        "{{ ('%s' | attr('format')).__self__ }}",
        "{{ '{0.__class__}'.format(alerts) }}",
        "{{ alerts.append(1) }}",
        "{% include '/etc/passwd' %}",
    ],
)
def test_a_template_that_never_ends_says_too_much_or_looks_beyond_its_values_is_a_fault_and_costs_nothing(
    source: str,
) -> None:
    own = make_renderer(BERLIN, {"phone": Templates(text=source)})
    message = own(note([alert(annotations=WORDS)]))

    assert message.text.startswith("Since 05:40. House on battery")
    [fault] = message.template_faults
    assert fault.startswith("text: ")
    assert list(template_faults(Templates(text=source), BERLIN))


def test_a_template_may_count_and_multiply() -> None:
    source = "{% for a in range(3) %}{{ a * 2 ** 3 }}{{ '-' * 2 }}{% endfor %}"
    own = make_renderer(BERLIN, {"phone": Templates(text=source)})

    assert own(note([alert()])).text == "0--8--16--"


def test_no_half_or_control_character_of_a_label_gets_into_a_mail() -> None:
    labels = {"alertname": "Hot", "host": "a\x00b\ud800c\u202ed"}
    bad = ActiveAlert("1", labels, {"summary": "x\ud800\x1b[31m"}, T0)
    html = render(replace(note([bad]), group_labels=labels)).html

    assert html is not None
    assert "host abcd" in html
    html.encode()
