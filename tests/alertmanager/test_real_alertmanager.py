"""The forwarder against a real Alertmanager."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from servers import free_port

from watchman.alertmanager.client import Alertmanager, AlertmanagerError
from watchman.alertmanager.forward import forward
from watchman.alertmanager.model import PostableAlert, SilenceMatcher, rfc3339
from watchman.series import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers import Server

pytestmark = pytest.mark.integration


def known(server: Server, name: str) -> list[dict[str, Any]]:
    query = urllib.parse.urlencode({"filter": f"alertname={name}"})
    with urllib.request.urlopen(f"{server.url}/api/v2/alerts?{query}", timeout=5) as answer:
        return list(json.load(answer))


def alert(name: str, starts: float, ends: float, **labels: str) -> PostableAlert:
    return PostableAlert(
        {"alertname": name, **labels}, starts, ends, {"summary": name}, "http://h:9090/graph?g0.expr=up"
    )


def test_an_alert_appears_and_goes_with_its_end(alertmanager: Server) -> None:
    now = time.time()
    member = Alertmanager(alertmanager.url)

    (fired,) = forward([member], [alert("Appears", now - 60, now + 240)], {"site": "home"})
    (there,) = known(alertmanager, "Appears")
    (ended,) = forward([member], [alert("Appears", now - 60, now - 1)], {"site": "home"})

    assert (fired.ok, ended.ok) == (True, True)
    assert there["labels"] == {"alertname": "Appears", "site": "home"}
    assert there["fingerprint"] == fingerprint(there["labels"])
    assert (there["startsAt"], there["annotations"]) == (rfc3339(now - 60), {"summary": "Appears"})
    assert known(alertmanager, "Appears") == []


BAD = {
    "end before start": lambda now: alert("OneBad", now, now - 10, nr="bad"),
    "label name": lambda now: PostableAlert({"alertname": "OneBad", "no-dash": "bad"}, now - 1, now + 240),
    "no labels": lambda now: PostableAlert({"alertname": ""}, now - 1, now + 240),
    "generator": lambda now: PostableAlert({"alertname": "OneBad"}, now - 1, now + 240, {}, "no url at all\x00"),
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD.keys())
def test_one_bad_alert_does_not_keep_the_good_ones_back(
    run_alertmanager: Callable[..., Server], make: Callable
) -> None:
    server = run_alertmanager()
    now = time.time()
    batch = [alert("OneBad", now - 60, now + 240, nr=str(n)) for n in range(20)]
    bad = make(now)

    (outcome,) = forward([Alertmanager(server.url)], [*batch[:7], bad, *batch[7:]], {})

    assert (outcome.accepted, [one.labels for one in outcome.refused], outcome.error) == (20, [bad.labels], "")
    assert sorted(int(one["labels"]["nr"]) for one in known(server, "OneBad")) == list(range(20))


def test_a_dead_member_does_not_keep_the_living_one_from_being_told(alertmanager: Server) -> None:
    now = time.time()
    members = [Alertmanager(f"http://127.0.0.1:{free_port()}"), Alertmanager(alertmanager.url)]

    dead, living = forward(members, [alert("TwoMembers", now - 60, now + 240)], {})

    assert (dead.accepted, living.accepted, living.ok) == (0, 1, True)
    assert "Connection refused" in dead.error
    assert len(known(alertmanager, "TwoMembers")) == 1


def test_silences_are_read_as_the_server_keeps_them(alertmanager: Server) -> None:
    now = time.time()
    body = {
        "matchers": [
            {"name": "alertname", "value": "A|B", "isRegex": True},
            {"name": "sn", "value": "1", "isRegex": False, "isEqual": False},
        ],
        "startsAt": rfc3339(now + 3600),
        "endsAt": rfc3339(now + 7200),
        "createdBy": "me",
        "comment": "painting the roof",
    }
    request = urllib.request.Request(
        f"{alertmanager.url}/api/v2/silences", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        new_id = json.load(answer)["silenceID"]

    (got,) = [one for one in Alertmanager(alertmanager.url).silences() if one.id == new_id]

    assert set(got.matchers) == {
        SilenceMatcher("alertname", "A|B", is_regex=True),
        SilenceMatcher("sn", "1", is_equal=False),
    }
    assert (got.state, got.comment) == ("pending", "painting the roof")
    assert got.ends_at == pytest.approx(now + 7200, abs=0.001)


def test_a_wrong_path_is_named(alertmanager: Server) -> None:
    with pytest.raises(AlertmanagerError, match="path prefix"):
        Alertmanager(f"{alertmanager.url}/alertmanager").silences()
