"""The mail as it is built: parts, headers, and nothing that can be smuggled in."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchman.notify.apprise_port import open_service
from watchman.notify.mail import build_mail, wants_pgp
from watchman.notify.message import Attachment, Choices, Message

URL = (
    "mailto://127.0.0.1:2525/?from=Home<home@example.org>&to=Jo<jo@example.net>&cc=kim@example.net&reply=a@example.org"
)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
CHART = Attachment("chart.png", "image/png", PNG)


def mail(message: Message, url: str = URL, identity: str = "row-1") -> EmailMessage:
    """Built, written as bytes and read again, as a mail program would."""
    built = build_mail(message, open_service(url), 1_763_700_000.0, identity)
    return email.message_from_bytes(built.as_bytes(), policy=email.policy.default)  # type: ignore[return-value]


def layout(part: EmailMessage) -> list:
    return [part.get_content_type(), *([layout(one) for one in part.iter_parts()] if part.is_multipart() else [])]


def test_a_text_is_a_plain_mail() -> None:
    built = mail(Message("Power cut", "Battery: 62 %, größer\n"))

    assert layout(built) == ["text/plain"]
    assert built.get_content().splitlines() == ["Battery: 62 %, größer"]
    assert (built["From"], built["To"], built["Cc"]) == (
        "Home <home@example.org>",
        "Jo <jo@example.net>",
        "kim@example.net",
    )
    assert built["Reply-To"] == "a@example.org"
    assert built["Date"] == "Fri, 21 Nov 2025 04:40:00 +0000"
    assert built["Auto-Submitted"] == "auto-generated"


def test_html_stands_beside_its_own_text_with_pictures_by_content_id() -> None:
    built = mail(Message("Digest", "own text", '<p><img src="cid:chart.png"></p>', attachments=(CHART,)))

    assert layout(built) == [
        "multipart/alternative",
        ["text/plain"],
        ["multipart/related", ["text/html"], ["image/png"]],
    ]
    text, related = built.iter_parts()
    html, picture = related.iter_parts()
    assert text.get_content().strip() == "own text"
    assert "cid:chart.png" in html.get_content()
    assert picture["Content-ID"] == "<chart.png>"
    assert picture.get_content_disposition() == "inline"
    assert picture.get_content() == PNG


def test_a_picture_that_is_not_there_leaves_no_hole_in_the_html() -> None:
    built = mail(Message("Import", "text", '<p>a<img src="cid:chart.png" width="600">b</p>'))

    _, html = built.iter_parts()
    assert html.get_content().strip() == "<p>ab</p>"


def test_the_text_part_names_the_page_with_all_choices() -> None:
    built = mail(Message("Import", "7 kW", choices=Choices((), "https://home.example/act/menu.1")))

    assert built.get_content().splitlines() == ["7 kW", "", "Acknowledge or silence: https://home.example/act/menu.1"]


def test_files_that_the_html_does_not_show_are_attached() -> None:
    built = mail(Message("Digest", "own text", "<p>none</p>", attachments=(CHART,)))

    assert layout(built) == ["multipart/mixed", ["multipart/alternative", ["text/plain"], ["text/html"]], ["image/png"]]
    assert [one.get_filename() for one in built.iter_attachments()] == ["chart.png"]


def test_the_same_row_has_the_same_message_id_and_another_row_another() -> None:
    first, again, other = (mail(Message("t", "x"), identity=name)["Message-ID"] for name in ("1", "1", "2"))

    assert first == again != other
    assert first.endswith("@example.org>")


def test_critical_is_marked_important() -> None:
    assert mail(Message("t", "x", severity="critical"))["Importance"] == "high"
    assert mail(Message("t", "x", severity="notice"))["Importance"] is None


def test_headers_of_the_url_are_set_but_not_those_that_hold_the_mail_together() -> None:
    built = mail(
        Message("t", "x"),
        URL + "&+In-Reply-To=<a@b>&+Subject=evil&+Content-Type=evil&+Bad%20Name=evil&+X-Own=a%0D%0ABcc: b",
    )

    assert built["In-Reply-To"] == "<a@b>"
    assert built["X-Own"] == "a Bcc: b"
    assert built["Bcc"] is None
    assert "evil" not in built.as_string()


@settings(deadline=None)
@given(st.text(max_size=80), st.text(max_size=200), st.text(max_size=40))
def test_no_title_text_or_file_name_can_add_a_header_or_a_recipient(title: str, text: str, name: str) -> None:
    attachment = Attachment(f"{name}\r\nBcc: evil@example.org", "text/plain", b"x")
    built = mail(Message(f"{title}\r\nBcc: evil@example.org", text, attachments=(attachment,)))

    assert built["Bcc"] is None
    assert [header for header in built if header.lower() not in _HEADERS] == []


_HEADERS = {
    "from", "to", "cc", "reply-to", "subject", "date", "message-id", "auto-submitted", "mime-version", "content-type",
    "content-transfer-encoding",
}  # fmt: skip


@pytest.mark.parametrize(("url", "expected"), [(URL, False), (URL + "&pgp=sign", True)])
def test_only_a_url_that_asks_for_pgp_goes_through_apprise(url: str, expected: bool) -> None:
    assert wants_pgp(open_service(url)) is expected
