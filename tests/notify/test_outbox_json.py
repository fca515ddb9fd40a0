"""Messages and log entries survive the store unchanged; anything else is refused, not believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notify_world import alert

from watchman.notify.dedup import LogEntry
from watchman.notify.message import Action, Attachment, ChartWish, Choices, Message, Source
from watchman.notify.outbox import log_entry_from_json, log_entry_to_json, message_from_json, message_to_json

TEXT = st.text(st.characters(exclude_categories=("Cs",)))


@given(TEXT, TEXT, st.none() | TEXT, st.binary())
def test_a_message_comes_back_as_it_was(title: str, text: str, html: str | None, content: bytes) -> None:
    message = Message(title, text, html, "notice", (Attachment("chart.png", "image/png", content),))

    assert message_from_json(message_to_json(message)) == message


def test_what_is_added_when_it_is_sent_comes_back_too() -> None:
    message = Message(
        "t",
        "x",
        chart=ChartWish("power_watts", 1.0, 2.5, 1.5, "W"),
        choices=Choices((Action("ack", "Acknowledge", "c", "https://h/act/c"),), "https://h/act/m", "https://n/t"),
        sequence="a",
        replaces="b",
    )

    assert message_from_json(message_to_json(message)) == message


def test_half_a_character_does_not_stop_a_message() -> None:
    assert message_from_json(message_to_json(Message("\ud800", "x"))).text == "x"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"title": 1}',
        b'{"title": "a", "text": "b", "severity": "c", "chart": {"no": 1}}',
        b"\xff",
        b"null",
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        message_from_json(data)


def test_a_log_entry_comes_back_as_it_was() -> None:
    entry = LogEntry((alert(source=Source.ALERTMANAGER), alert("B", end=5.0)), 12.5, 3)

    assert log_entry_from_json(log_entry_to_json(entry)) == entry


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"told": [{}], "sent_at": 1, "repeats": 0}', '{"told": 1}'])
def test_what_is_no_log_entry_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        log_entry_from_json(text)
