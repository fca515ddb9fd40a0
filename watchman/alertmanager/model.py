"""What goes to and comes from an Alertmanager, in the shapes of its API version 2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class PostableAlert:
    """One alert as an Alertmanager is told. Times are unix seconds.

    `ends_at` of a firing alert lies a few intervals ahead; that of a resolved one is when it ended.
    """

    labels: Mapping[str, str]
    starts_at: float
    ends_at: float
    annotations: Mapping[str, str] = field(default_factory=dict)
    generator_url: str = ""

    def document(self) -> dict[str, Any]:
        """The JSON object of `POST /api/v2/alerts`. Empty labels mean no label there, so they are left out."""
        document: dict[str, Any] = {
            "labels": {name: text for name, text in self.labels.items() if text},
            "startsAt": rfc3339(self.starts_at),
            "endsAt": rfc3339(self.ends_at),
        }
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        if self.generator_url:
            document["generatorURL"] = self.generator_url
        return document


@dataclass(frozen=True, slots=True)
class SilenceMatcher:
    """One condition on a label; a missing label counts as empty. Regular expressions match the whole value."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence as the server keeps it. `state` is active, pending or expired. Times are unix seconds."""

    id: str
    matchers: tuple[SilenceMatcher, ...]
    starts_at: float
    ends_at: float
    state: str
    created_by: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class TheirAlert:
    """An alert as a member lists it: what keeps it back there, and which of its receivers it goes to.

    `inhibited_by` holds fingerprints of alerts, `muted_by` names of time intervals (servers since 0.28).
    """

    fingerprint: str
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    muted_by: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    name: str = ""

    @property
    def held(self) -> bool:
        """True if it is told nobody there now."""
        return bool(self.silenced_by or self.inhibited_by or self.muted_by)


def read_alert(item: Any) -> TheirAlert:
    """One element of `GET /api/v2/alerts`; another shape raises KeyError, TypeError, ValueError or AttributeError."""
    status = item["status"]
    return TheirAlert(
        fingerprint=str(item["fingerprint"]),
        silenced_by=_texts(status.get("silencedBy")),
        inhibited_by=_texts(status.get("inhibitedBy")),
        muted_by=_texts(status.get("mutedBy")),
        receivers=tuple(str(receiver["name"]) for receiver in item.get("receivers") or ()),
        name=str(item["labels"].get("alertname", "")),
    )


def read_webhook_receivers(document: Any) -> frozenset[str]:
    """The receivers of a `GET /api/v2/status` that post webhooks; another shape raises as above.

    The server shows its whole configuration there, as YAML.
    """
    config = yaml.safe_load(document["config"]["original"])
    return frozenset(str(one["name"]) for one in config.get("receivers") or () if one.get("webhook_configs"))


def read_silence(item: Any) -> Silence:
    """One element of `GET /api/v2/silences`; another shape raises KeyError, TypeError, ValueError or AttributeError."""
    return Silence(
        id=str(item["id"]),
        matchers=tuple(_matcher(one) for one in item["matchers"]),
        starts_at=datetime.fromisoformat(item["startsAt"]).timestamp(),
        ends_at=datetime.fromisoformat(item["endsAt"]).timestamp(),
        state=str(item["status"]["state"]),
        created_by=str(item.get("createdBy") or ""),
        comment=str(item.get("comment") or ""),
    )


def _texts(items: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in items or ())


def rfc3339(ts: float) -> str:
    """Unix seconds in the API's form, with milliseconds, in UTC."""
    return datetime.fromtimestamp(ts, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _matcher(item: Any) -> SilenceMatcher:
    # Servers before 0.22 know no negative matchers and send no isEqual.
    is_equal = item.get("isEqual")
    return SilenceMatcher(
        str(item["name"]), str(item["value"]), bool(item.get("isRegex")), True if is_equal is None else bool(is_equal)
    )
