"""Inhibition: an alert is not told while another one that explains it fires."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from watchman.notify.matchers import Matcher, all_match
from watchman.notify.message import ActiveAlert


@dataclass(frozen=True, slots=True)
class InhibitRule:
    """Targets are muted while a source fires that has the same values of the `equal` labels (missing = empty)."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()


Inhibitor = Callable[[Mapping[str, str]], tuple[str, ...]]
"""Fingerprints of the alerts that mute a label set; empty if it may be told."""


def make_inhibitor(rules: Sequence[InhibitRule], firing: Iterable[ActiveAlert]) -> Inhibitor:
    """Looks sources up by their `equal` labels, so that many alerts stay cheap.

    An alert that matches both sides of a rule is not muted by another one that matches both sides: they would mute
    each other.
    """
    alerts = list(firing)
    tables = [(rule, _sources(rule, alerts)) for rule in rules]

    def inhibited_by(labels: Mapping[str, str]) -> tuple[str, ...]:
        found: list[str] = []
        for rule, sources in tables:
            if sources and all_match(rule.target, labels):
                both = all_match(rule.source, labels)
                same = sources.get(_equal_key(rule, labels), ())
                found += [name for name, source_is_both in same if not (both and source_is_both)]
        return tuple(dict.fromkeys(found))

    return inhibited_by


def _sources(rule: InhibitRule, alerts: Iterable[ActiveAlert]) -> dict[tuple[str, ...], list[tuple[str, bool]]]:
    """Fingerprint and "matches both sides" of every source, by the values of the `equal` labels."""
    table: dict[tuple[str, ...], list[tuple[str, bool]]] = {}
    for alert in alerts:
        if all_match(rule.source, alert.labels):
            entry = (alert.fingerprint, all_match(rule.target, alert.labels))
            table.setdefault(_equal_key(rule, alert.labels), []).append(entry)
    return table


def _equal_key(rule: InhibitRule, labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in rule.equal)
