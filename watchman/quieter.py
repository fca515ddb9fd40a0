"""What would have made the noisiest rules quieter: replayed over the time they were noisy in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from watchman.config import Config
from watchman.errors import QueryError, WatchmanError
from watchman.notify.noisy import NoisyRule
from watchman.replay import replay
from watchman.replay.advice import Suggestion, advise
from watchman.replaying import make_ports, named_groups, prepare
from watchman.wiring import Wiring, wire


def replayed(noisy: Iterable[NoisyRule], config: Config, start: float, end: float) -> list[NoisyRule]:
    """The rules with what a replay of [start, end) suggests, where it suggests something.

    The others keep what their incidents suggest; so do all while Prometheus is away or has forgotten that time.
    """
    known = list(noisy)
    if not known:
        return []
    wiring = wire(config)
    try:
        for number, rule in enumerate(known):
            known[number] = _with_suggestion(rule, wiring, start, end)
    except QueryError:
        # Whoever does not answer for one rule is not waited for with the others.
        pass
    finally:
        wiring.close()
    return known


def _with_suggestion(rule: NoisyRule, wiring: Wiring, start: float, end: float) -> NoisyRule:
    try:
        found = _suggestions(rule.alertname, wiring, start, end)
    except QueryError as error:
        if error.is_away:
            raise
        return rule
    except WatchmanError:
        # Not a rule of ours, or nothing is left of that time.
        return rule
    if not found:
        return rule
    best = max(found, key=lambda suggestion: suggestion.saved)
    change = f"{best.kind}: {best.value}" if best.kind != "hysteresis" else f"hysteresis ({best.value})"
    saved = f"{best.saved} of {best.before.messages} messages less in a replay of that time"
    return replace(rule, suggestion=f"{change} ({saved})")


def _suggestions(name: str, wiring: Wiring, start: float, end: float) -> list[Suggestion]:
    ports = make_ports(wiring)
    prepared = prepare(wiring, named_groups(wiring.groups, name), start, end, ports)
    return advise(replay(prepared.setting, ports), prepared.setting, ports, wiring.config.site.timezone)
