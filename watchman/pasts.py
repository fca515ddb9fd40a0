"""Past incidents in words, as JSON, and as what `who_alerts_most` counts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from watchman.localtime import iso_local
from watchman.notify.noisy import Firing, NoisyRule
from watchman.notify.severity import severity_of
from watchman.notify.words import duration, one_line
from watchman.store.history import Past


def as_firings(pasts: Iterable[Past], since: float) -> list[Firing]:
    """The incidents that fired at or after a moment, as they are counted."""
    return [
        Firing(
            alertname=past.incident.labels.get("alertname", "alert"),
            fingerprint=past.incident.fingerprint,
            severity=severity_of(past.incident.labels),
            fired=past.incident.fired,
            ended=past.incident.ended,
            value=past.incident.value,
            told=bool(past.told),
        )
        for past in pasts
        if past.incident.fired >= since
    ]


def past_line(past: Past, now: float, zone: ZoneInfo) -> str:
    """One incident on one line."""
    incident = past.incident
    began = f"{datetime.fromtimestamp(incident.started, zone):%Y-%m-%d %H:%M}"
    lasted = duration((now if incident.ended is None else incident.ended) - incident.started)
    name = incident.labels.get("alertname", "alert")
    summary = one_line(incident.annotations.get("summary", ""))
    parts = [f"{began}  {lasted if incident.ended is not None else f'fires, {lasted}':16} {name}: {summary or name}"]
    told = list(dict.fromkeys(row.receiver for row in past.told))
    held = [f"{row.receiver} ({row.reason})" for row in past.held if row.receiver not in told]
    parts += [f"told {', '.join(told)}"] if told else []
    parts += [f"kept from {', '.join(held)}"] if held else []
    parts += [f"acknowledged by {past.ack.by}"] if past.ack else []
    return "; ".join(parts)


def noisy_line(rule: NoisyRule) -> str:
    """One rule that alerts often, on one line."""
    times = f"{rule.incidents} times, told {rule.told}, {duration(rule.firing_s)} in all"
    return f"{rule.alertname} ({rule.severity or 'no severity'}): {times}. Try: {rule.suggestion}."


def past_object(past: Past, now: float, zone: ZoneInfo) -> dict[str, Any]:
    """One incident for machines; times with the site's offset, null where there is none."""
    incident = past.incident
    ended = incident.ended
    return {
        "alertname": incident.labels.get("alertname", "alert"),
        "labels": dict(incident.labels),
        "annotations": dict(incident.annotations),
        "source": incident.source,
        "started": iso_local(incident.started, zone),
        "fired": iso_local(incident.fired, zone),
        "ended": None if ended is None else iso_local(ended, zone),
        "duration_s": round((now if ended is None else ended) - incident.started),
        "value": incident.value,
        "told": [{"receiver": row.receiver, "at": iso_local(row.at, zone), "reason": row.reason} for row in past.told],
        "held": [{"receiver": row.receiver, "at": iso_local(row.at, zone), "reason": row.reason} for row in past.held],
        "acknowledged": None if past.ack is None else {"by": past.ack.by, "at": iso_local(past.ack.at, zone)},
    }
