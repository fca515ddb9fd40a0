"""Numbers, switches and texts of answers whose types drift from firmware to firmware."""

from __future__ import annotations

import time

import pytest

from watchman.sonnen.values import Failure, flags, key, load_json, number, switch, text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (64, 64.0),
        (-543.0, -543.0),
        ("49.98", 49.98),
        (" -0.5e1 ", -5.0),
        (".5", 0.5),
        (0, 0.0),
        (None, None),
        ("", None),
        ("n/a", None),
        ("1_000", None),
        ("\u0661", None),
        ("nan", None),
        (float("nan"), None),
        (float("inf"), None),
        ("1e999", None),
        (10**400, None),
        (True, None),
        ([1], None),
        ({}, None),
    ],
)
def test_a_number_is_finite_or_none(value: object, expected: float | None) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, True), (False, False), (1, True), (0, False), (0.0, False), ("1", True), ("False", False)],
)
def test_a_switch_is_a_boolean_or_0_or_1(value: object, expected: bool | None) -> None:
    assert switch(value) is expected


@pytest.mark.parametrize("value", [2, None, "on", [], {}, float("nan")])
def test_what_is_no_switch_is_none(value: object) -> None:
    assert switch(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1.14.5", "1.14.5"), (" x\n\x00y ", "xy"), ("\ud800", None), ("   ", None), (5, None), ("a" * 99, "a" * 64)],
)
def test_text_is_fit_to_be_a_label(value: object, expected: str | None) -> None:
    assert text(value) == expected


@pytest.mark.parametrize(
    "body",
    [b'"' + b'\\"' * 16000, b'"' + b'\\"' * 16000 + b"\\", b'{"a": "' + b"1" * 32000 + b'x"}'],
    ids=["a text without an end", "ended by a backslash", "a long run of digits"],
)
def test_an_answer_made_to_be_slow_is_read_at_once(body: bytes) -> None:
    started_s = time.process_time()
    found = load_json(body)
    number(found["a"] if isinstance(found, dict) else body.decode())

    assert time.process_time() - started_s < 0.5, "all scrapes wait while a pattern is matched"


def test_names_become_label_values() -> None:
    assert key("Blinking sonnenGradient") == "blinking_sonnengradient"
    assert key("Inverter Version Too Low For Dc-Module") == "inverter_version_too_low_for_dc_module"


def test_flags_are_booleans_only_and_not_without_end() -> None:
    led = {"Solid Red": False, "Pulsing White": True, "Brightness": 100, "Eclipse Status": "0x01", "---": True}

    assert flags(led) == {"solid_red": False, "pulsing_white": True}
    assert len(flags({f"flag {index}": True for index in range(500)})) == 40
    assert flags(["Solid Red"]) == {}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<!DOCTYPE html><html>Page not found</html>", id="html"),
        pytest.param(b'{"RSOC": 4', id="half a body"),
        pytest.param(b"[" * 60000, id="deep and open"),
        pytest.param(b"[" * 17 + b"]" * 17, id="deep and closed"),
        pytest.param(b'{"a":' * 500 + b"1" + b"}" * 500, id="deep objects"),
        pytest.param(b"9" * 5000, id="a number of 5000 digits"),
        pytest.param(b"\x00\xff\xfe", id="binary"),
    ],
)
def test_what_is_not_json_is_refused_with_a_reason(body: bytes) -> None:
    answer = load_json(body)

    assert isinstance(answer, Failure)
    assert answer.reason == "bad_json"
    assert "\n" not in answer.message


def test_json_with_oddities_is_read() -> None:
    assert load_json(b'\xef\xbb\xbf{"a": "[[[[[[[[[[[[[[[[[[[["}') == {"a": "[" * 20}
    assert load_json(b'{"usage": "W\xe4rme"}') == {"usage": "W�rme"}
    assert load_json(b"null") is None
