"""Orders: signed, for one action on one message's alerts until one moment; and what a silence of them matches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notify_world import T0, alert

from watchman.notify.matchers import all_match
from watchman.notify.orders import (
    ACKNOWLEDGE,
    GOOD_FOR_S,
    LABELS,
    MENU,
    MOST_CHARS,
    OrderError,
    make_case,
    make_choices,
    sign,
    silence_matchers,
    verify,
)

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
CASE = make_case("phone", [alert("GridDown", host="attic")])


def test_an_order_comes_back_as_it_was_signed() -> None:
    order = verify(KEY, sign(KEY, ACKNOWLEDGE, CASE.id, T0 + 60), T0)

    assert (order.action, order.case, order.expires_at) == (ACKNOWLEDGE, CASE.id, T0 + 60)
    assert len(order.token) < MOST_CHARS


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda parts: ["silence-8h", *parts[1:]], id="another action"),
        pytest.param(lambda parts: [parts[0], "0" * 24, *parts[2:]], id="another case"),
        pytest.param(lambda parts: [*parts[:2], str(int(parts[2]) + 1), parts[3]], id="a later end"),
        pytest.param(lambda parts: [*parts[:3], "A" * 32], id="another signature"),
        pytest.param(lambda parts: [*parts[:3], parts[3][:-1]], id="a shorter signature"),
        pytest.param(lambda parts: [*parts, "x"], id="something behind it"),
        pytest.param(lambda parts: [*parts[:3], parts[3] + "\n"], id="a new line behind it"),
        pytest.param(lambda parts: [parts[0].upper(), *parts[1:]], id="other letters"),
        pytest.param(lambda _: ["x"], id="nonsense"),
        pytest.param(lambda _: [""], id="nothing"),
    ],
)
def test_an_order_that_was_changed_is_refused(change) -> None:
    parts = sign(KEY, ACKNOWLEDGE, CASE.id, T0 + 60).split(".")
    with pytest.raises(OrderError, match="not one that watchman made") as caught:
        verify(KEY, ".".join(change(parts)), T0)
    assert not caught.value.expired


def test_an_order_of_another_key_is_refused() -> None:
    with pytest.raises(OrderError, match="not one that watchman made"):
        verify(OTHER_KEY, sign(KEY, ACKNOWLEDGE, CASE.id, T0 + 60), T0)


def test_an_action_we_do_not_know_is_refused_though_we_signed_it() -> None:
    with pytest.raises(OrderError, match="another version"):
        verify(KEY, sign(KEY, "open-door", CASE.id, T0 + 60), T0)


@pytest.mark.parametrize("at", [60.0, 61.0, 1e9])
def test_an_order_expires(at: float) -> None:
    with pytest.raises(OrderError, match="too old") as caught:
        verify(KEY, sign(KEY, ACKNOWLEDGE, CASE.id, T0 + 60), T0 + at)
    assert caught.value.expired


@given(st.text(max_size=300))
def test_whatever_is_asked_nothing_unsigned_is_good(text: str) -> None:
    with pytest.raises(OrderError):
        verify(KEY, text, T0)


def test_choices_have_one_order_for_each_action_the_wanted_first() -> None:
    choices = make_choices(KEY, CASE.id, T0, address="https://home.example/w/", wanted=["silence-8h"])

    assert choices is not None
    assert [one.name for one in choices.actions] == ["silence-8h", "acknowledge", "silence-1h", "silence-tomorrow"]
    assert choices.actions[0].label == LABELS["silence-8h"]
    assert {one.link for one in choices.actions} == {
        f"https://home.example/w/act/{one.command}" for one in choices.actions
    }
    assert verify(KEY, choices.menu.rpartition("/")[2], T0 + GOOD_FOR_S - 1).action == MENU
    assert make_choices(KEY, CASE.id, T0) is None


def test_the_same_alerts_of_a_receiver_are_one_case_and_others_are_another() -> None:
    again = make_case("phone", [alert("GridDown", host="attic")])
    others = [
        make_case("mail", [alert("GridDown", host="attic")]),
        make_case("phone", [alert("GridDown", host="attic", at=5)]),
        make_case("phone", [alert("GridDown", host="cellar")]),
    ]

    assert again == CASE
    assert len({CASE.id, *(one.id for one in others)}) == 4


def covered(*alerts) -> list:
    return silence_matchers(make_case("phone", alerts).alerts)


def test_a_silence_covers_the_alerts_of_the_message_and_no_other() -> None:
    mine = [alert("A", host="a.b"), alert("A", host="c|d"), alert("B", severity="critical")]
    found = covered(*mine)

    assert all(any(all_match(matchers, one.labels) for matchers in found) for one in mine)
    for other in (
        alert("A", host="aXb"),
        alert("A", host="c"),
        alert("A", severity="critical", host="a.b"),
        alert("C"),
    ):
        assert not any(all_match(matchers, other.labels) for matchers in found)


def test_labels_that_differ_wildly_or_have_odd_names_are_left_out() -> None:
    many = [alert("A", sn=str(number), größe="1") for number in range(30)]

    [matchers] = covered(*many)
    assert [one.name for one in matchers] == ["alertname", "severity"]


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=5, unique=True))
def test_whatever_labels_say_a_silence_covers_them(values: list[str]) -> None:
    alerts = [alert("A", host=value) for value in values]
    [matchers] = covered(*alerts)

    assert all(all_match(matchers, one.labels) for one in alerts)
