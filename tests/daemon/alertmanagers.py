"""Alertmanagers of a stepped daemon: a member that can be down, refuse and hold back, and the webhook it posts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from watchman import jobs
from watchman.alertmanager.client import AlertmanagerError
from watchman.alertmanager.model import TheirAlert
from watchman.series import fingerprint


class Member:
    """What watchman sees of an Alertmanager. `held` and `routed_to` are by alert name."""

    def __init__(self, url="http://member"):
        self.url, self.down, self.refuses = url, False, False
        self.known: dict[str, dict[str, str]] = {}
        self.held: set[str] = set()
        self.routed_to = ("webhook",)
        self.posting = frozenset({"webhook"})

    def _answer(self):
        if self.down:
            raise AlertmanagerError(f"Alertmanager at {self.url} cannot be reached: Connection refused")

    def post(self, alerts):
        self._answer()
        if self.refuses:
            raise AlertmanagerError("bad label", 400)
        for alert in alerts:
            labels = dict(alert.labels)
            self.known[fingerprint(labels)] = labels

    def alerts(self):
        self._answer()
        return [
            TheirAlert(
                name,
                inhibited_by=("f00",) if labels["alertname"] in self.held else (),
                receivers=self.routed_to,
                name=labels["alertname"],
            )
            for name, labels in self.known.items()
        ]

    def webhook_receivers(self):
        self._answer()
        return self.posting

    def silences(self):
        self._answer()
        return []

    def close(self):
        pass


class Stack:
    """A stepped world with Alertmanagers; `look` is what the daemon does every 15 s."""

    def __init__(self, world, *members):
        self.world, self.members = world, members or (Member(),)
        self.plug_in()

    @property
    def context(self):
        return self.world.context

    def plug_in(self):
        self.context.wiring = replace(self.context.wiring, members=self.members)

    def restart(self):
        self.world.restart()
        self.plug_in()

    def minute(self, number):
        """A slot and what follows it until the next: forwarding and four looks at the members."""
        before = len(self.world.messages())
        self.world.tick(number)
        jobs.forward(self.context)
        for quarter in range(4):
            self.world.clock.at = self.world.minute(number) + 15 * quarter
            jobs.look_at_members(self.context)
            if self.context.dispatch_wanted.is_set() or self.world.clock.at >= self.context.next_dispatch_at:
                jobs.dispatch(self.context)
        return self.titles(before)

    def minutes(self, first, last):
        """Titles of the messages by minute, where there are any."""
        told = {number: self.minute(number) for number in range(first, last)}
        return {number: titles for number, titles in told.items() if titles}

    def titles(self, before=0):
        return [title for _, title in self.world.messages()[before:]]

    def webhook(self, *alerts, receiver=None, **changes):
        """Post a webhook; returns the titles it led to."""
        before = len(self.world.messages())
        document = {"version": "4", "groupKey": "{}:{}", "receiver": "webhook", "groupLabels": {}, **changes}
        jobs.take_webhook(self.context, receiver, {**document, "alerts": list(alerts)})
        self.world.clock.at += 0.001
        return self.titles(before)


def theirs(labels, *, starts_at, ends_at=None, summary=""):
    """An alert of a webhook."""
    return {
        "status": "firing" if ends_at is None else "resolved",
        "labels": labels,
        "annotations": {"summary": summary or labels["alertname"]},
        "startsAt": rfc3339(starts_at),
        "endsAt": "0001-01-01T00:00:00Z" if ends_at is None else rfc3339(ends_at),
        "fingerprint": fingerprint(labels),
    }


def rfc3339(ts):
    return datetime.fromtimestamp(ts, UTC).isoformat()
