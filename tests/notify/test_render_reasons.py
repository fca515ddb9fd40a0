"""How flapping, calm and the morning after quiet hours read."""

from __future__ import annotations

import pytest
from notify_world import BERLIN, HOUR, T0, alert

from watchman.notify.dedup import Reason
from watchman.notify.message import ActiveAlert
from watchman.notify.plan import Notification
from watchman.notify.render import make_renderer

FIRES = alert("Import", annotations={"summary": "Import 7 kW", "description": "Look what is on."})
OVER = alert("Idle", annotations={"summary": "Battery idle"}, end=600.0)


def note(reason: Reason, firing: list[ActiveAlert], resolved: list[ActiveAlert]) -> Notification:
    return Notification("phone", "k", {}, reason, tuple(firing), tuple(resolved), frozenset(), T0 + HOUR)


@pytest.mark.parametrize(
    ("reason", "firing", "resolved", "title", "text"),
    [
        (
            Reason.FLAPPING,
            [FIRES],
            [],
            "Flapping: Import 7 kW",
            "Since 05:40, it comes and goes; you hear again when it is calm. Look what is on.",
        ),
        (Reason.CALM, [FIRES], [], "Still: Import 7 kW", "Since 05:40 without a break. Look what is on."),
        (Reason.QUIET, [], [OVER], "Over: Battery idle", "05:40 to 05:50, was 10 min."),
        (
            Reason.QUIET,
            [FIRES],
            [OVER],
            "Meanwhile: 1 alert, 1 over",
            "- New: Import 7 kW, since 05:40\n- Over: Battery idle, 05:40 to 05:50, was 10 min",
        ),
    ],
    ids=["flapping", "calm", "one that is over", "a night"],
)
def test_watchmans_own_reasons_are_said_in_words(
    reason: Reason, firing: list[ActiveAlert], resolved: list[ActiveAlert], title: str, text: str
) -> None:
    message = make_renderer(BERLIN)(note(reason, firing, resolved))

    assert (message.title, message.text.replace("New: ", "")) == (title, text.replace("New: ", ""))
