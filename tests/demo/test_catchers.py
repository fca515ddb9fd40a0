"""The demo's phone and mail server, used by the real clients: Apprise and smtplib."""

from __future__ import annotations

import json
import smtplib
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from email.message import EmailMessage

import apprise
import pytest
import requests
from apprise.attachment.memory import AttachMemory

from watchman.demo.mail import Mailbox, parse_mail
from watchman.demo.push import Phone
from watchman.demo.smtp import MAX_MESSAGE, SmtpServer
from watchman.demo.web import Site

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4


def now() -> float:
    return 1_800_000_000.0


def clock(ts: float) -> str:
    return f"at {ts:.0f}"


@pytest.fixture
def phone() -> Phone:
    return Phone(now, clock)


@pytest.fixture
def phone_site(phone: Phone) -> Iterator[Site]:
    site = Site(phone.respond)
    site.start()
    yield site
    site.close()


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox(now, clock)


@pytest.fixture
def mail_site(mailbox: Mailbox) -> Iterator[Site]:
    site = Site(mailbox.respond)
    site.start()
    yield site
    site.close()


@pytest.fixture
def smtp(mailbox: Mailbox) -> Iterator[SmtpServer]:
    server = SmtpServer(mailbox.keep)
    server.start()
    yield server
    server.close()


def fetch(url: str, body: bytes | None = None, method: str = "GET", **headers: str) -> tuple[int, str, bytes]:
    request = urllib.request.Request(url, body, headers, method=method if body is None else "POST")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read()


# The phone


def test_apprise_reaches_the_phone(phone: Phone, phone_site: Site) -> None:
    service = apprise.Apprise()
    assert service.add(f"ntfy://127.0.0.1:{phone_site.port}/home?priority=max&xtags=house,zap&image=no")
    assert service.notify(title="Power cut", body="Dunkel: ü ✓", body_format="text")
    (push,) = phone.pushes
    assert (push.topic, push.title, push.message) == ("home", "Power cut", "Dunkel: ü ✓")
    assert (push.priority, push.tags, push.at) == (5, ("house", "zap"), now())


def test_a_picture_sent_by_apprise_arrives_whole_and_is_shown(phone: Phone, phone_site: Site) -> None:
    service = apprise.Apprise()
    service.add(f"ntfy://127.0.0.1:{phone_site.port}/home?image=no")
    picture = AttachMemory(content=PNG, name="chart.png", mimetype="image/png")
    assert service.notify(title="Import", body="7 kW", attach=apprise.AppriseAttachment(picture))
    (push,) = phone.pushes
    assert (push.title, push.message, push.filename, push.attachment) == ("Import", "7 kW", "chart.png", PNG)
    assert fetch(f"{phone_site.url}/file/{push.number}")[1:] == ("image/png", PNG)
    assert f'<img src="/file/{push.number}"'.encode() in fetch(phone_site.url)[2]


def test_a_push_by_header_or_query_as_ntfy_takes_it(phone: Phone, phone_site: Site) -> None:
    fetch(f"{phone_site.url}/home", b"by header", **{"X-Title": "One", "Priority": "high", "Tags": "a, b"})
    fetch(f"{phone_site.url}/home?title=Two&priority=2", b"by query")
    assert [(push.title, push.message, push.priority, push.tags) for push in phone.pushes] == [
        ("One", "by header", 4, ("a", "b")),
        ("Two", "by query", 2, ()),
    ]


def test_a_push_takes_the_place_of_another_and_can_be_taken_away(phone: Phone, phone_site: Site) -> None:
    for title, sequence in (("Power cut", "a"), ("Import", "b"), ("Over: Power cut", "a")):
        fetch(f"{phone_site.url}/home", b"x", **{"X-Title": title, "X-Sequence-ID": sequence})
    assert [push.title for push in phone.pushes] == ["Import", "Over: Power cut"]

    requests.delete(f"{phone_site.url}/home/b", timeout=10)
    assert [push.title for push in phone.pushes] == ["Over: Power cut"]


def test_buttons_are_links_and_only_to_pages(phone: Phone, phone_site: Site) -> None:
    buttons = [{"action": "http", "label": "Ack <b>", "url": "http://h/act/1"}, {"label": "x", "url": "javascript:1"}]
    for actions in (json.dumps(buttons), "view, Open, http://h/", "[1]", "7"):
        fetch(f"{phone_site.url}/home", b"x", **{"X-Actions": actions, "X-Click": "http://h/act/menu"})

    assert [len(push.buttons) for push in phone.pushes] == [2, 0, 0, 0]
    page = fetch(phone_site.url)[2].decode()
    assert '<a href="http://h/act/1">Ack &lt;b&gt;</a>' in page
    assert "javascript" not in page


def test_the_answer_names_the_message(phone_site: Site) -> None:
    status, kind, body = fetch(phone_site.url, json.dumps({"topic": "home", "message": "hi"}).encode())
    said = json.loads(body)
    assert (status, kind) == (200, "application/json")
    assert (said["event"], said["topic"], said["message"], said["priority"]) == ("message", "home", "hi", 3)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", b"not json"),
        ("", b"[]"),
        ("", b'{"message": "no topic"}'),
        ("", b'{"topic": "home", "priority": 9}'),
        ("", b'{"topic": "home", "tags": 5}'),
        ("/home?priority=loud", b"x"),
    ],
    ids=["not json", "a list", "no topic", "priority out of range", "tags no list", "priority no number"],
)
def test_nonsense_is_refused_and_not_kept(phone: Phone, phone_site: Site, path: str, body: bytes) -> None:
    status, _, answer = fetch(phone_site.url + path, body)
    assert (status, json.loads(answer)["http"]) == (400, 400)
    assert phone.pushes == []


def test_a_body_over_the_limit_is_refused(phone_site: Site) -> None:
    with closing(socket.create_connection(("127.0.0.1", phone_site.port), 5)) as raw:
        raw.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
        assert raw.recv(200).startswith(b"HTTP/1.1 413")


def test_the_page_shows_pushes_as_text_newest_first(phone_site: Site) -> None:
    for title in ("first", "<script>second</script>"):
        fetch(phone_site.url, json.dumps({"topic": "home", "title": title}).encode())
    html = fetch(phone_site.url)[2].decode()
    assert "<script>" not in html
    assert html.index("&lt;script&gt;second") < html.index("first")
    assert "at 1800000000, home, priority 3" in html


def test_only_the_last_200_pushes_are_kept(phone: Phone, phone_site: Site) -> None:
    for number in range(205):
        fetch(phone_site.url, json.dumps({"topic": "home", "message": str(number)}).encode())
    assert [push.message for push in phone.pushes] == [str(number) for number in range(5, 205)]


# The mail server


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "home@a.example", "me@b.example", "Gestern: 27,4 kWh ✓"
    message.set_content("Sonne 27,4 kWh\n.eine Zeile mit Punkt\n")
    message.add_alternative('<p>Sonne</p><img src="cid:chart"><img src="cid:gone">', subtype="html")
    html = message.get_payload()[1]
    html.add_related(PNG, "image", "png", cid="<chart>", filename="chart.png")
    return message


def test_smtplib_delivers_a_mail_with_its_picture(mailbox: Mailbox, smtp: SmtpServer) -> None:
    with smtplib.SMTP("127.0.0.1", smtp.port, timeout=5) as client:
        assert client.send_message(letter(), to_addrs=["me@b.example", "you@b.example"]) == {}
    (mail,) = mailbox.mails
    assert (mail.sender, mail.recipients) == ("home@a.example", ("me@b.example", "you@b.example"))
    assert mail.subject == "Gestern: 27,4 kWh ✓"
    assert mail.text.splitlines() == ["Sonne 27,4 kWh", ".eine Zeile mit Punkt"]
    assert [(picture.content_id, picture.content) for picture in mail.shown()] == [("chart", PNG)]


def test_apprise_mails_reach_the_box(mailbox: Mailbox, smtp: SmtpServer) -> None:
    service = apprise.Apprise()
    service.add(f"mailto://127.0.0.1:{smtp.port}/?from=home@a.example&to=me@b.example&mode=insecure")
    assert service.notify(title="Test", body="It works", body_format="text")
    (mail,) = mailbox.mails
    assert (mail.subject, mail.text.strip(), mail.html) == ("Test", "It works", "")


def test_two_mails_may_share_a_connection(mailbox: Mailbox, smtp: SmtpServer) -> None:
    with smtplib.SMTP("127.0.0.1", smtp.port, timeout=5) as client:
        client.sendmail("a@x", ["b@x"], b"Subject: one\r\n\r\n1\r\n")
        client.sendmail("c@x", ["d@x"], b"Subject: two\r\n\r\n2\r\n")
    assert [(mail.sender, mail.recipients, mail.subject) for mail in mailbox.mails] == [
        ("a@x", ("b@x",), "one"),
        ("c@x", ("d@x",), "two"),
    ]


@pytest.mark.parametrize(
    ("said", "answers"),
    [
        (["DATA"], ["503"]),
        (["RCPT TO:<a@b>"], ["503"]),
        (["MAIL FROM:a@b"], ["501"]),
        (["MAIL FROM:<>", "RCPT TO:<a@b>"], ["250", "250"]),
        (["mail from:<a@b> SIZE=10", "rset", "rcpt to:<a@b>"], ["250", "250", "503"]),
        (["HELO me", "NOOP", "VRFY x", "TURN"], ["250", "250", "252", "502"]),
        (["X" * 5000], ["500"]),
    ],
    ids=["data first", "rcpt first", "no brackets", "null sender", "reset", "odds", "endless line"],
)
def test_commands_out_of_order_are_told_so(smtp: SmtpServer, said: list[str], answers: list[str]) -> None:
    with closing(socket.create_connection(("127.0.0.1", smtp.port), 5)) as raw, raw.makefile("rb") as lines:
        assert lines.readline().startswith(b"220")
        for line, answer in zip(said, answers, strict=True):
            raw.sendall(line.encode() + b"\r\n")
            assert lines.readline().decode()[:3] == answer


def test_a_message_that_breaks_off_is_not_kept(mailbox: Mailbox, smtp: SmtpServer) -> None:
    with closing(socket.create_connection(("127.0.0.1", smtp.port), 5)) as raw, raw.makefile("rb") as lines:
        raw.sendall(b"HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: half\r\n")
        assert [lines.readline()[:3] for _ in range(5)] == [b"220", b"250", b"250", b"250", b"354"]
        raw.shutdown(socket.SHUT_WR)
        assert lines.readline() == b""
    assert mailbox.mails == []


def test_a_message_over_the_limit_is_refused_and_the_session_goes_on(mailbox: Mailbox, smtp: SmtpServer) -> None:
    with smtplib.SMTP("127.0.0.1", smtp.port, timeout=30) as client:
        client.helo()
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("a@b", ["c@d"], b"x" * 998 + (b"\r\n" + b"x" * 998) * (MAX_MESSAGE // 1000 + 1))
        assert refused.value.smtp_code == 552
        client.sendmail("a@b", ["c@d"], b"Subject: small\r\n\r\n")
    assert [mail.subject for mail in mailbox.mails] == ["small"]


def test_the_mail_page_shows_text_html_and_pictures(mailbox: Mailbox, mail_site: Site) -> None:
    mailbox.keep("home@a.example", ("me@b.example",), letter().as_bytes())
    assert b"Gestern: 27,4 kWh" in fetch(mail_site.url)[2]
    assert b"at 1800000000, from home@a.example to me@b.example" in fetch(mail_site.url)[2]
    shown = fetch(f"{mail_site.url}/1")[2].decode()
    assert ".eine Zeile mit Punkt" in shown
    assert '<iframe sandbox src="/1/html">' in shown
    assert b'<img src="/1/part/0"><img src="/1/part/missing">' in fetch(f"{mail_site.url}/1/html")[2]
    assert fetch(f"{mail_site.url}/1/part/0")[1:] == ("image/png", PNG)


@pytest.mark.parametrize("path", ["/2", "/1/part/7", "/1/part/x", "/1/else", "/favicon.ico"])
def test_pages_that_do_not_exist_are_404(mailbox: Mailbox, mail_site: Site, path: str) -> None:
    mailbox.keep("a@b", ("c@d",), letter().as_bytes())
    assert fetch(mail_site.url + path)[0] == 404


def test_the_mailbox_page_takes_no_writes(mail_site: Site) -> None:
    assert fetch(mail_site.url, b"x")[0] == 405


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff\xfe\x00", b"Subject: =?utf-8?q?=ff?=\r\n\r\nx", b"Content-Type: text/plain; charset=klingon\r\n\r\nx"],
    ids=["empty", "binary", "broken subject", "unknown charset"],
)
def test_an_odd_message_is_kept_as_far_as_it_can_be_read(raw: bytes) -> None:
    mail = parse_mail(1, 0, "a", ("b",), raw)
    assert mail.pictures == ()
    assert mail.text in ("", "x", "\ufffd\ufffd\x00")
