"""What ntfy can do more: a message takes the place of another, buttons, a page to open; on a real HTTP server."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from ntfy_server import NtfyServer
from test_deliver_integration import PNG

from watchman.errors import DeliveryError
from watchman.notify.apprise_port import open_service
from watchman.notify.message import Action, Attachment, Choices, Message
from watchman.notify.ntfy import base_url, buttons_of
from watchman.notify.orders import MENU_TITLE
from watchman.notify.sender import Sender, split_url

pytestmark = pytest.mark.integration

ACTIONS = (
    Action("acknowledge", "Bestätigen ✓", "ack.1", "https://home.example/act/ack.1"),
    Action("silence-1h", "Silence 1 h", "s1.1", "https://home.example/act/s1.1"),
    Action("silence-8h", "Silence 8 h", "s8.1", "https://home.example/act/s8.1"),
    Action("silence-tomorrow", "Until tomorrow", "st.1", "https://home.example/act/st.1"),
)
CHOICES = Choices(ACTIONS, "https://home.example/act/menu.1")


@pytest.fixture
def ntfy() -> Iterator[NtfyServer]:
    server = NtfyServer()
    yield server
    server.close()


def deliver(url: str, message: Message) -> str:
    return Sender(lambda: 0.0).deliver(url, message, 10.0, "row")


def push(text: str, sequence: str, replaces: str = "", severity: str = "warning") -> Message:
    return Message(text, text, severity=severity, sequence=sequence, replaces=replaces)


def test_the_end_takes_the_place_of_the_message_it_ends(ntfy: NtfyServer) -> None:
    url = f"ntfy://{ntfy.host}/home"
    deliver(url, push("Power cut", "a"))
    deliver(url, push("Over: Power cut", "a", "a", "resolved"))

    assert [(one["title"], one["priority"]) for one in ntfy.shown("home")] == [("Over: Power cut", "low")]
    assert [one["method"] for one in ntfy.requests] == ["POST", "POST"]


def test_a_repeat_is_a_new_message_that_rings_and_the_old_one_goes(ntfy: NtfyServer) -> None:
    url = f"ntfy://{ntfy.host}/home"
    deliver(url, push("Power cut", "a"))
    deliver(url, push("Still: Power cut", "b", "a"))
    deliver(url, push("Over: Power cut", "b", "b"))

    assert [one["title"] for one in ntfy.shown("home")] == ["Over: Power cut"]
    assert [one["path"] for one in ntfy.requests if one["method"] == "DELETE"] == ["/home/a"]


def test_a_message_sent_twice_is_shown_once(ntfy: NtfyServer) -> None:
    for _ in range(2):
        deliver(f"ntfy://{ntfy.host}/home", push("Power cut", "a"))

    assert len(ntfy.shown("home")) == 1


def test_an_old_message_that_cannot_be_taken_away_costs_nothing(ntfy: NtfyServer, monkeypatch) -> None:
    import requests

    real = requests.request

    def no_delete(method: str, *args: object, **kwargs: object) -> requests.Response:
        if method == "DELETE":
            raise requests.ConnectionError("reset")
        return real(method, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(requests, "request", no_delete)
    assert deliver(f"ntfy://{ntfy.host}/home", push("Still", "b", "a")) == "accepted by ntfy"


def test_buttons_post_the_signed_link_and_a_tap_opens_all_choices(ntfy: NtfyServer) -> None:
    deliver(f"ntfy://{ntfy.host}/home", Message("Import", "7 kW ✓", choices=CHOICES))

    [shown] = ntfy.shown("home")
    assert shown["click"] == "https://home.example/act/menu.1"
    assert [(one["label"], one["url"], one["method"]) for one in shown["actions"]] == [
        ("Bestätigen ✓", "https://home.example/act/ack.1", "POST"),
        ("Silence 1 h", "https://home.example/act/s1.1", "POST"),
        ("Silence 8 h", "https://home.example/act/s8.1", "POST"),
    ]
    assert (shown["title"], shown["message"]) == ("Import", "7 kW ✓")


def test_with_a_command_topic_buttons_post_there() -> None:
    found = buttons_of(Choices(ACTIONS, "", "https://ntfy.sh/commands"))

    assert [(one["url"], one["body"]) for one in found] == [
        ("https://ntfy.sh/commands", "ack.1"),
        ("https://ntfy.sh/commands", "s1.1"),
        ("https://ntfy.sh/commands", "s8.1"),
    ]


def test_a_picture_goes_with_title_text_and_buttons(ntfy: NtfyServer) -> None:
    chart = (Attachment("chart.png", "image/png", PNG),)
    deliver(f"ntfy://{ntfy.host}/home", Message("Import", "7 kW\n✓", attachments=chart, choices=CHOICES, sequence="a"))

    [shown] = ntfy.shown("home")
    assert (shown["title"], shown["message"], shown["filename"]) == ("Import", "7 kW\n✓", "chart.png")
    assert (len(shown["actions"]), shown["sequence_id"]) == (3, "a")
    assert ntfy.requests[0]["body"] == PNG


def test_what_the_url_says_itself_counts_more(ntfy: NtfyServer) -> None:
    own = json.dumps([{"action": "view", "label": "Mine", "url": "https://mine.example"}])
    url = f"ntfy://tk_secret@{ntfy.host}/home?click=https%3A%2F%2Fmine.example%2F&xtags=house,sun&priority=min"
    deliver(f"{url}&actions={own}", Message("Import", "x", choices=CHOICES, sequence="a"))

    [shown] = ntfy.shown("home")
    assert (shown["click"], shown["priority"]) == ("https://mine.example/", "min")
    assert [one["label"] for one in shown["actions"]] == ["Mine"]
    headers = ntfy.requests[0]["headers"]
    assert (headers["x-tags"], headers["authorization"]) == ("house,sun", "Bearer tk_secret")


@pytest.mark.parametrize(("status", "permanent"), [(401, True), (403, True), (404, True), (429, False), (503, False)])
def test_a_refusal_is_told_apart_as_ever(ntfy: NtfyServer, status: int, permanent: bool) -> None:
    ntfy.status = status
    with pytest.raises(DeliveryError) as caught:
        deliver(f"ntfy://{ntfy.host}/secrettopic", push("x", "a", "b"))

    assert caught.value.permanent is permanent
    assert "refused for a test" in str(caught.value)
    assert "secrettopic" not in str(caught.value)


def test_nobody_there_is_a_failure_that_is_tried_again() -> None:
    with pytest.raises(DeliveryError, match="connection refused") as caught:
        deliver("ntfy://127.0.0.1:9/home", push("x", "a"))
    assert not caught.value.permanent


def test_a_very_long_text_is_left_to_apprise(ntfy: NtfyServer) -> None:
    assert deliver(f"ntfy://{ntfy.host}/home", Message("t", "word " * 2000, sequence="a")) == "accepted by ntfy"


def test_other_services_get_the_link_in_the_text_and_pushover_as_its_own(ntfy: NtfyServer) -> None:
    deliver(f"json://{ntfy.host}/hook", Message("Import", "7 kW", choices=CHOICES))

    body = json.loads(ntfy.requests[0]["body"])
    assert body["message"] == f"7 kW\n{MENU_TITLE}: https://home.example/act/menu.1"


def test_the_server_of_a_url_is_known() -> None:
    assert base_url(open_service("ntfy://h:8080/t")) == "http://h:8080"
    assert base_url(open_service("ntfys://h/t")) == "https://h"
    assert base_url(open_service("ntfy://topic")) == "https://ntfy.sh"
    assert [open_service(one).topics for one in split_url("ntfys://h/one/two?xtags=a")] == [["one"], ["two"]]
