"""What would calm a rule that flaps: each change tried on the same history, with what it would have saved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from watchman.durations import format_duration
from watchman.replay.count import count
from watchman.replay.piece import Keep
from watchman.replay.result import Replay, RuleReplay
from watchman.replay.run import Ports, Setting, Variant, replay_variants
from watchman.replay.sweep import above, with_return, without_comparison
from watchman.rules.rule import Rule
from watchman.rules.threshold import Threshold, find_threshold

FLAPS_TO_MEND = 2
"""A rule that came back so often within half an hour gets advice."""
_KEEPS_S = (300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0)
_FORS_S = (60.0, 120.0, 300.0, 600.0, 900.0, 1800.0)
_RELEASES = (0.9, 0.8)
# A change that leaves more than a fifth of the flaps is no mend.
_LEFT = 0.2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rule gave, alone: how often it fired, came back within half an hour, and was told."""

    fired: int
    flaps: int
    messages: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The least change of one kind that calms a rule. `kind`: keep_firing_for, for or hysteresis; `value` as text."""

    alertname: str
    kind: str
    value: str
    before: Outcome
    after: Outcome

    @property
    def saved(self) -> int:
        """Messages that would not have been sent."""
        return self.before.messages - self.after.messages

    @property
    def text(self) -> str:
        """One line for a person."""
        change = f"{self.kind}: {self.value}" if self.kind != "hysteresis" else f"hysteresis ({self.value})"
        return (
            f"{self.alertname} came back within half an hour {self.before.flaps} times. {change} would have made it"
            f" {self.after.fired} instead of {self.before.fired} times and saved {self.saved} of"
            f" {self.before.messages} messages."
        )


def advise(replayed: Replay, setting: Setting, ports: Ports, zone: ZoneInfo) -> list[Suggestion]:
    """Suggestions for every rule that flaps; asks for its expression once more. Raises QueryError."""
    flapping = [one.rule for one in count(replayed, zone).rules if one.flaps >= FLAPS_TO_MEND]
    return [suggestion for rule in flapping for suggestion in _for_rule(rule, setting, ports, zone)]


def _for_rule(one: RuleReplay, setting: Setting, ports: Ports, zone: ZoneInfo) -> Iterable[Suggestion]:
    rule, threshold = one.rule, find_threshold(one.rule.query)
    asked = rule if threshold is None else without_comparison(rule, threshold)
    group = replace(one.group, rules=(asked,))
    keep = None if threshold is None else above(threshold, threshold.value)
    place = group.key, 0
    tries = list(_tries(asked, threshold, keep))
    variants = [Variant("as it is", {place: (asked, keep)})]
    variants += [Variant(f"{kind} {value}", {place: changed}) for kind, value, changed in tries]
    replays = replay_variants(replace(setting, groups=[group]), ports, variants)
    if replays[0].is_partial:
        return []  # Ctrl-C: a part of the range proves nothing
    base, *results = (_outcome(done, zone) for done in replays)
    best: dict[str, Suggestion] = {}
    for (kind, value, _), after in zip(tries, results, strict=True):
        calms = after.flaps <= base.flaps * _LEFT and after.messages < base.messages and after.fired > 0
        if calms and kind not in best:
            best[kind] = Suggestion(rule.name, kind, value, base, after)
    return sorted(best.values(), key=lambda suggestion: -suggestion.saved)


def _tries(
    rule: Rule, threshold: Threshold | None, keep: Keep | None
) -> Iterable[tuple[str, str, tuple[Rule, Keep | None]]]:
    """Changes from small to large, kind by kind."""
    for keep_s in _KEEPS_S:
        if keep_s > rule.keep_firing_for_s:
            yield "keep_firing_for", format_duration(keep_s), (replace(rule, keep_firing_for_s=keep_s), keep)
    for for_s in _FORS_S:
        if for_s > rule.for_s:
            yield "for", format_duration(for_s), (replace(rule, for_s=for_s), keep)
    for release in _releases(threshold):
        assert threshold is not None, "a release belongs to a threshold"
        held = f"{threshold.op} {threshold.value:g} until not {threshold.op} {release:g}"
        yield "hysteresis", held, (rule, with_return(threshold, release))


def _releases(threshold: Threshold | None) -> Iterable[float]:
    """Values at which the alert ends, a tenth and a fifth before the one at which it begins."""
    if threshold is None or threshold.op not in (">", ">=", "<", "<=") or threshold.value == 0:
        return
    downwards = threshold.op in (">", ">=")
    for share in _RELEASES:
        step = abs(threshold.value) * (1 - share)
        yield threshold.value - step if downwards else threshold.value + step


def _outcome(done: Replay, zone: ZoneInfo) -> Outcome:
    (figures,) = count(done, zone).rules
    return Outcome(figures.fired, figures.flaps, figures.messages)
