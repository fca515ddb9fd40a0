"""What waits together goes out together: an "over" never overtakes, hours offline are one message, nothing is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notify_world import BERLIN, HOUR, T0

from watchman.notify.combine import LATE_AFTER_S, MAX_LINES, combine, units
from watchman.notify.message import Message
from watchman.notify.outbox import OutboxRow, Subject, subjects_from_json, subjects_to_json

# T0 is Fri 21 Nov 2025, 05:40 in Berlin.
CUT = Subject("cut", "Power cut", "critical", T0)
SPIKE = Subject("spike", "Grid import spike", "warning", T0 + 600)


def over(subject: Subject, at: float) -> Subject:
    return replace(subject, ended=at)


def row(number: int, *subjects: Subject, thread: str = "", at: float = 0.0, kind: str = "alert") -> OutboxRow:
    return OutboxRow(number, "phone", "p", kind, b"", "first", T0 + at, thread=thread, subjects=subjects)


def told(rows: list[OutboxRow], now: float) -> Message:
    return combine(
        [(one, Message(f"title {one.id}", f"text {one.id}", severity="warning")) for one in rows], now, BERLIN
    )


def ids(rows: list[OutboxRow], now: float) -> list[list[int]]:
    return [[one.id for one in unit] for unit in units(rows, now)]


@pytest.mark.parametrize(
    ("rows", "after_s", "expected"),
    [
        ([row(1), row(2)], 60, [[1], [2]]),
        ([row(1, thread="a"), row(2, thread="b"), row(3, thread="a")], 60, [[1, 3], [2]]),
        ([row(2, thread="a"), row(1, thread="a")], 60, [[1, 2]]),
        ([row(1, thread="a"), row(2, thread="b")], 2 * HOUR, [[1, 2]]),
        ([row(1), row(2), row(3, kind="report")], 2 * HOUR, [[1, 2], [3]]),
        ([row(1, thread="a"), row(2, thread="b"), row(3, thread="a", at=2 * HOUR)], 2 * HOUR, [[1, 2, 3]]),
        ([row(1, thread="a"), row(2, thread="b", at=2 * HOUR)], 2 * HOUR, [[1], [2]]),
        ([row(1, thread="a"), row(2, thread="a", at=2 * HOUR)], 2 * HOUR, [[1, 2]]),
        ([row(1, kind="test"), row(2, kind="report")], 2 * HOUR, [[1], [2]]),
    ],
    ids=[
        "no groups", "one group waits twice", "in order of their making", "two are late", "a digest is not an alert",
        "a late group's fresh end goes along", "one is late, another is not", "one group, late and fresh", "no alerts",
    ],
)  # fmt: skip
def test_what_goes_into_one_message(rows: list[OutboxRow], after_s: float, expected: list[list[int]]) -> None:
    assert ids(rows, T0 + after_s) == expected


def test_a_message_in_time_is_sent_as_it_is() -> None:
    message = told([row(1, CUT)], T0 + LATE_AFTER_S)

    assert (message.title, message.text) == ("title 1", "text 1")


def test_a_late_message_carries_its_age() -> None:
    message = told([row(1, CUT)], T0 + 3 * HOUR)

    assert message.title == "title 1 (3 h late)"
    assert message.text == "text 1\nThis is of 05:40; it could not be told earlier."


def test_a_long_late_title_keeps_its_mark() -> None:
    late = row(1, CUT)
    message = combine([(late, Message("word " * 20, "text"))], T0 + 3 * HOUR, BERLIN)

    assert message.title.endswith("... (3 h late)")
    assert len(message.title) <= 45


def test_beginning_and_end_of_one_group_are_the_end_alone_with_its_own_words() -> None:
    rows = [row(1, CUT, thread="a"), row(2, over(CUT, T0 + 60), thread="a", at=60)]

    assert told(rows, T0 + 90).title == "title 2"


def test_a_group_whose_newest_message_does_not_tell_all_is_listed() -> None:
    rows = [row(1, CUT, over(SPIKE, T0 + 1200), thread="a"), row(2, over(CUT, T0 + 60), thread="a", at=60)]

    assert told(rows, T0 + 90).text.splitlines() == [
        "- Over: Power cut, 05:40 to 05:41, was 1 min",
        "- Over: Grid import spike, 05:50 to 06:00, was 10 min",
    ]


def test_hours_offline_are_one_message_worst_first_with_pairs_merged() -> None:
    rows = [
        row(1, SPIKE, thread="a"),
        row(2, over(SPIKE, T0 + 1800), thread="a", at=1800),
        row(3, replace(CUT, since=T0 + HOUR), thread="b", at=HOUR),
        row(4, Subject("n", "Firmware", "notice", T0 + 60), thread="c", at=60),
    ]
    message = told(rows, T0 + 8 * HOUR)

    assert message.title == "While you were offline: 2 on, 1 over"
    assert message.text.splitlines() == [
        "- On: Power cut, since 06:40",
        "- On: Firmware, since 05:41",
        "- Over: Grid import spike, 05:50 to 06:10, was 20 min",
    ]
    assert message.severity == "critical"


def test_if_all_of_it_is_over_nothing_rings() -> None:
    rows = [row(1, over(SPIKE, T0 + 1), thread="a"), row(2, over(CUT, T0 + 1), thread="b")]

    assert told(rows, T0 + 2 * HOUR).severity == "resolved"


def test_messages_of_an_earlier_version_are_told_by_their_titles() -> None:
    assert told([row(1), row(2)], T0 + 2 * HOUR).text.splitlines() == ["- title 1", "- title 2"]


def test_a_long_night_is_cut_with_its_rest_counted() -> None:
    rows = [row(number, replace(SPIKE, fingerprint=str(number)), thread=str(number)) for number in range(100)]
    lines = told(rows, T0 + 2 * HOUR).text.splitlines()

    assert (len(lines), lines[-1]) == (MAX_LINES + 1, "and 70 more")


SUBJECTS = st.builds(
    Subject, st.sampled_from("abcde"), st.just("s"), st.sampled_from(["critical", "info", "x"]), st.floats(0, 1e9),
    st.none() | st.floats(0, 1e9),
)  # fmt: skip
ROWS = st.lists(
    st.builds(
        lambda thread, at, kind, subjects: row(0, *subjects, thread=thread, at=at, kind=kind),
        st.sampled_from(["", "a", "b", "c"]),
        st.floats(0, 2 * HOUR),
        st.sampled_from(["alert", "report", "test"]),
        st.lists(SUBJECTS, max_size=3),
    ),
    max_size=12,
).map(lambda rows: [replace(one, id=number) for number, one in enumerate(rows)])


@given(ROWS, st.floats(0, 4 * HOUR))
def test_every_row_is_in_exactly_one_message_and_every_message_says_something(
    rows: list[OutboxRow], after_s: float
) -> None:
    found = units(rows, T0 + after_s)

    assert sorted(one.id for unit in found for one in unit) == [one.id for one in rows]
    for unit in found:
        message = told(list(unit), T0 + after_s)
        assert message.title
        assert message.text


@given(st.lists(SUBJECTS, max_size=4))
def test_subjects_come_back_as_they_were(subjects: list[Subject]) -> None:
    assert subjects_from_json(subjects_to_json(subjects)) == tuple(subjects)


@pytest.mark.parametrize("text", ["", "{", "5", "[[1]]", "null", '[{"a": 1}]'])
def test_subjects_that_cannot_be_read_are_none(text: str) -> None:
    assert subjects_from_json(text) == ()
