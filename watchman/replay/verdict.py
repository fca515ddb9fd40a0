"""What a replay means, in sentences: the budget, rules that speak too much, what could not be replayed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from watchman.replay.advice import Suggestion
from watchman.replay.count import (
    BUDGET_AT_NIGHT,
    BUDGET_PER_YEAR,
    BUDGET_RULE_PER_MONTH,
    DAY_S,
    LEAST_S,
    Figures,
    ReceiverFigures,
)
from watchman.replay.data import NOTHING_READ
from watchman.replay.result import Replay


def sentences(replay: Replay, figures: Figures, suggestions: Sequence[Suggestion]) -> list[str]:
    """All there is to say, the most important first."""
    return [*verdicts(replay, figures), *(one.text for one in suggestions), *replay.notes]


def verdicts(replay: Replay, figures: Figures) -> list[str]:
    """What the replay means for its rules and receivers."""
    return [*_partial(replay), *_budget(replay, figures), *_loud(figures), *_failing(replay), *_blind(replay)]


def _partial(replay: Replay) -> Iterator[str]:
    if replay.is_partial:
        share = (replay.reached - replay.start) / (replay.end - replay.start)
        yield f"This is a part: it was cancelled after {share:.0%} of the range, and everything here is of that part."


def _failing(replay: Replay) -> Iterator[str]:
    for rule in replay.rules:
        where = f'"{rule.rule.name}" ({rule.group.name})'
        failed, asked = rule.errors - rule.away, rule.evaluations - rule.away
        if failed and failed == asked:
            yield f"{where} fails at every step: {rule.first_error}"
        elif failed:
            yield f"{where} failed at {failed} of {asked} steps, first: {rule.first_error}"
        yield from (f"{where} {note}" for note in rule.notes if note != NOTHING_READ)


def _blind(replay: Replay) -> Iterator[str]:
    names = list(dict.fromkeys(rule.rule.name for rule in replay.rules if NOTHING_READ in rule.notes))
    if names:
        yield f"Could not fire, because Prometheus has none of the series they read in this range: {', '.join(names)}."


def _budget(replay: Replay, figures: Figures) -> Iterator[str]:
    if replay.reached - replay.start < LEAST_S:
        yield "Less than a day was replayed: too little to say what that is a year."
        return
    if not figures.receivers:
        yield f"Nobody would have been told anything in {_days(replay)}."
    for one in figures.receivers:
        yield _receiver(one)


def _receiver(one: ReceiverFigures) -> str:
    assert one.per_year is not None
    assert one.at_night_per_year is not None
    verdict = "within the budget" if one.within_budget else "above the budget"
    return (
        f"{one.receiver}: {one.messages} messages, about {one.per_year:.0f} a year, {one.at_night_per_year:.0f} of them"
        f" at night: {verdict} of {BUDGET_PER_YEAR} a year, {BUDGET_AT_NIGHT} at night."
    )


def _loud(figures: Figures) -> Iterator[str]:
    for one in figures.rules:
        if one.per_month is not None and one.per_month > BUDGET_RULE_PER_MONTH:
            yield (
                f'"{one.rule.rule.name}" speaks about {one.per_month:.0f} times a month, more than'
                f" {BUDGET_RULE_PER_MONTH}: raise its limit, give it keep_firing_for, or move it to the digest"
                " (severity: info)."
            )


def _days(replay: Replay) -> str:
    days = (replay.reached - replay.start) / DAY_S
    return f"{days:.0f} days" if days >= 1.5 else "a day"
