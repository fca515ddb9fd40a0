"""URLs: which Apprise takes, as which service, how loud, and what a service's log lines mean."""

from __future__ import annotations

import subprocess
import sys

import pytest

from watchman.notify.apprise_port import failure, open_service
from watchman.notify.sender import check_url, split_url


@pytest.mark.parametrize(
    "url",
    [
        "ntfy://localhost:8080/topic",
        "ntfys://ntfy.example.org/topic?priority=max",
        "mailto://localhost:25/?from=a@example.org&to=b@example.org",
        "mailtos://user:pw@smtp.example.org",
        "json://localhost/path",
        "tgram://123456789:abcdefg_hijklmnop/12315544/",
        f"pover://{'u' * 30}@{'t' * 30}",
        "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
        "gotify://localhost/token",
        f"pagerduty://{'i' * 32}@{'a' * 32}/source/component",
    ],
)
def test_urls_of_the_usual_services_are_taken(url: str) -> None:
    assert check_url(url) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "not an Apprise URL"),
        ("phone", "not an Apprise URL"),
        ("nosuch://secretx", "Apprise does not take"),
        ("ntfy://", "topic"),
        ("ntfys://ntfy.example.org/", "topic"),
        ("mailto://localhost:25/?from=a@example.org&to=nobody", "recipient"),
        ("mailtos://", "Apprise does not take"),
        ("pover://secretx", "Apprise does not take"),
        ("tgram://secretx", "Apprise does not take"),
    ],
)
def test_a_url_that_cannot_deliver_is_a_fault_without_its_secret(url: str, words: str) -> None:
    fault = check_url(url)

    assert words in str(fault)
    assert "secretx" not in str(fault)


@pytest.mark.parametrize(
    ("severity", "url", "expected"),
    [
        ("critical", "ntfy://h/t", "max"),
        ("warning", "ntfy://h/t", "high"),
        ("notice", "ntfy://h/t", "low"),
        ("info", "ntfy://h/t", "min"),
        ("resolved", "ntfy://h/t", "low"),
        ("page", "ntfy://h/t", "default"),
        ("critical", "ntfy://h/t?priority=min", "min"),
    ],
)
def test_severity_is_the_priority_unless_the_url_sets_one(severity: str, url: str, expected: str) -> None:
    assert open_service(url, severity).priority == expected


@pytest.mark.parametrize(("severity", "expected"), [("critical", 1), ("warning", 0), ("notice", -1), ("info", -2)])
def test_pushover_has_its_own_words_for_it(severity: str, expected: int) -> None:
    assert open_service(f"pover://{'u' * 30}@{'t' * 30}", severity).priority == expected


@pytest.mark.parametrize(("severity", "silent"), [("critical", False), ("warning", False), ("notice", True)])
def test_telegram_is_silent_for_what_should_not_ring(severity: str, silent: bool) -> None:
    assert open_service("tgram://123456789:abcdefg_hijklmnop/12315544/", severity).silent is silent


def test_no_service_sleeps_between_messages_or_fetches_an_icon_from_abroad() -> None:
    service = open_service("ntfy://h/t")

    assert service.request_rate_per_sec == 0
    assert service.include_image is False


def _socket(cause: str) -> list[tuple[str, str]]:
    return [("WARNING", "A Connection error occurred"), ("DEBUG", f"Socket Exception: {cause}")]


@pytest.mark.parametrize(
    ("log", "permanent", "retry_after_s", "words"),
    [
        ([("WARNING", "Failed to send: Verification Failed., error=401.")], True, None, "401"),
        ([("WARNING", "Failed: unauthorized, error=40101.")], True, None, "40101"),
        ([("WARNING", "Failed: Page not found., error=404.")], True, None, "404"),
        ([("WARNING", "Failed: limit reached, error=42901.")], False, 60.0, "limit reached"),
        ([("WARNING", "Failed: Servers are overloaded., error=503.")], False, None, "503"),
        ([("WARNING", "Failed: Bad Request: chat not found, error=400.")], True, None, "chat not found"),
        ([("WARNING", "Bad Request: chat not found")], True, None, "chat not found"),
        (_socket("[Errno 111] Connection refused"), False, None, "connection refused"),
        (_socket("Read timed out. (read timeout=4)"), False, None, "no answer in time"),
        (_socket("Failed to resolve 'h' (/bot1:secretx)"), False, None, "host name"),
        (_socket("certificate verify failed: self-signed certificate"), False, None, "certificate"),
        (_socket("('Connection aborted.', RemoteDisconnected())"), False, None, "broke off"),
        ([("DEBUG", "ntfy Headers: {'Authorization': 'Bearer secretx'}")], False, None, "no reason"),
        ([], False, None, "no reason"),
    ],
)  # fmt: skip
def test_what_a_log_means(log: list[tuple[str, str]], permanent: bool, retry_after_s: float | None, words: str) -> None:
    error = failure("ntfy", log, "ntfy://secretx@h/topic")

    assert (error.permanent, error.retry_after_s) == (permanent, retry_after_s)
    assert words in str(error)
    assert "secretx" not in str(error)


def test_a_url_with_two_recipients_is_two_destinations() -> None:
    parts = split_url(
        "mailto://u:p%40w@h.example:2525/?from=a@example.org&to=b@example.org,c@example.org&cc=d@example.org"
    )

    services = [open_service(part) for part in parts]
    assert [[to for _, to in service.targets] for service in services] == [["b@example.org"], ["c@example.org"]]
    assert [set(service.cc) for service in services] == [{"d@example.org"}, set()]
    assert {(service.password, service.smtp_host, service.port) for service in services} == {("p@w", "h.example", 2525)}


def test_two_topics_are_two_destinations_and_anything_else_is_one() -> None:
    parts = split_url("ntfys://u:pw@ntfy.example.org/one/two?priority=high&click=https://example.org/")

    assert [open_service(part).topics for part in parts] == [["one"], ["two"]]
    assert {open_service(part).priority for part in parts} == {"high"}
    for url in ("ntfy://h/t", "json://h/a/b", "rubbish", "mailtos://"):
        assert split_url(url) == [url]


def test_opening_a_usual_service_does_not_load_all_of_apprise() -> None:
    code = (
        "import sys; from watchman.notify.sender import check_url;"
        "assert check_url('ntfy://h/t') is None and check_url('mailto://h?from=a@b.cd&to=c@d.ef') is None;"
        "print(sum(name.startswith('apprise.plugins.') for name in sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert int(loaded) < 40
