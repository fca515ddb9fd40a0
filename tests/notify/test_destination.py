"""Apprise URLs as names: stable, distinct, and silent about their secrets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman.notify.destination import redact, scrub, url_key

URLS = [
    "ntfys://ntfy.example.org/hometopic",
    "ntfys://secretuser:secretpass@ntfy.example.org/hometopic",
    "ntfys://hometopic",
    "mailtos://me:secretpass@smtp.example.org?to=you@example.org",
    "tgram://123456:secrettoken/987654321",
    "pover://secretuser@secrettoken",
    "discord://4174216298/secrettoken",
    "json://localhost:8080/secretpath?token=secrettoken",
    "slack://secretA/secretB/secretC",
]


@pytest.mark.parametrize("url", URLS)
def test_a_redacted_url_names_no_secret(url: str) -> None:
    shown = redact(url)

    assert "secret" not in shown
    assert "topic" not in shown
    assert shown.startswith(url.partition("://")[0])


def test_keys_differ_between_destinations() -> None:
    other = [*URLS, "ntfys://ntfy.example.org/other", "mailtos://me:x@smtp.example.org?to=they@example.org"]
    # With or without credentials a topic is the same destination.
    assert len({url_key(url) for url in other}) == len(other) - 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("mailtos://me:old@h?to=a@b.c", "mailtos://me:new@h?to=a@b.c"),
        ("ntfys://tk_old@h/topic", "ntfys://tk_new@h/topic"),
        ("mailto://h?user=me&pass=old&to=a@b.c", "mailto://h?user=me&pass=new&to=a@b.c"),
        ("ntfys://H.example/topic", " ntfys://h.EXAMPLE/topic"),
    ],
)
def test_a_new_password_keeps_the_key_so_that_waiting_messages_find_their_way(old: str, new: str) -> None:
    assert url_key(old) == url_key(new)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("Failed: https://api.telegram.org/bot123456:secrettoken/sendMessage", "tgram://123456:secrettoken/987"),
        ("error at url: /bot123456:secrettoken/x", "tgram://123456:secrettoken/987"),
        ("login secret%2Fpass refused", "mailto://me:secret%2Fpass@h?to=a@b.c"),
        ("login secret/pass refused", "mailto://me:secret%2Fpass@h?to=a@b.c"),
        ("topic secrettopic", "ntfy://secrettopic"),
        ("password is s3", "mailto://me:s3@h?to=a@b.c"),
    ],
)
def test_errors_are_scrubbed_of_everything_secret(text: str, url: str) -> None:
    shown = scrub(text, url)

    for secret in ("secrettoken", "secret%2Fpass", "secret/pass", "secrettopic", "s3"):
        assert secret not in shown


def test_recipients_of_a_mail_may_be_named() -> None:
    assert scrub("you@example.org refused", "mailto://me:pw@h?to=you@example.org") == "you@example.org refused"


@given(st.text())
def test_nothing_raises_on_any_text(text: str) -> None:
    assert redact(text) is not None
    assert len(url_key(text)) == 16
    assert scrub(text, text) is not None
