"""Whatever a service's limits are, a message fits, ends at a word, and keeps its link."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman.notify.fit import Room, fit, in_bytes, shorten

LINK = "\nSilence: https://home.example.org/a/1"


@pytest.mark.parametrize(
    ("title", "text", "tail", "room", "expected"),
    [
        ("Power cut", "Since 05:40.", "", Room(250, 1000), ("Power cut", "Since 05:40.")),
        ("Power cut", "", "", Room(250, 1000), ("", "Power cut")),
        ("Power cut", "", LINK, Room(250, 1000), ("Power cut", LINK)),
        ("one two three four", "x", "", Room(12, 1000), ("one two...", "x")),
        ("Power cut", "one two three four five", "", Room(0, 27), ("Power cut", "one two three...")),
        ("t", "one two three four five", LINK, Room(250, 50), ("t", "one two..." + LINK)),
        ("t", "Grüße aus Köln heute", "", Room(250, 18, in_bytes), ("t", "Grüße aus...")),
    ],
    ids=["it fits", "a title alone", "a title and a link", "long title", "no titles", "the link stays", "bytes"],
)
def test_what_a_service_gets(title: str, text: str, tail: str, room: Room, expected: tuple[str, str]) -> None:
    assert fit(title, text, tail, room) == expected


@given(
    st.text(max_size=300), st.text(max_size=3000), st.sampled_from(["", LINK]), st.sampled_from([0, 100, 250]),
    st.sampled_from([160, 1024, 4096]), st.sampled_from([len, in_bytes]),
)  # fmt: skip
def test_it_always_fits(title: str, text: str, tail: str, title_max: int, text_max: int, size: object) -> None:
    head, body = fit(title, text, tail, Room(title_max, text_max, size))

    assert size(head) <= (title_max or text_max)
    assert size(body) + (size(head) + 2 if not title_max and head else 0) <= text_max
    assert body.endswith(tail)


@given(st.text(alphabet="ab ü☃", max_size=200), st.integers(10, 100))
def test_what_fits_is_left_as_it_is(text: str, limit: int) -> None:
    assert (shorten(text, limit, in_bytes) == text) == (in_bytes(text) <= limit)
