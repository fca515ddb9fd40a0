"""What `watchman replay` prints on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from watchman.notify.words import clean, duration, local_time, number
from watchman.replay import Incident, Replay
from watchman.replay.advice import Suggestion
from watchman.replay.count import Figures, count, firing_s
from watchman.replay.sweep import Tried, value_text
from watchman.replay.verdict import sentences

_MOST = 20

T = TypeVar("T")


def print_replay(
    done: Replay, figures: Figures, suggestions: Sequence[Suggestion], zone: ZoneInfo, *, every: bool
) -> None:
    """Rules, what fired, messages, receivers, and what it means; `every`: no list is cut."""
    console = Console(highlight=False)
    console.print(f"{_at(done.start, done, zone)} to {_at(done.reached, done, zone)}")
    _print_rules(console, figures)
    _print_incidents(console, done, zone, every=every)
    _print_messages(console, done, zone, every=every)
    _print_receivers(console, figures)
    console.print()
    for sentence in sentences(done, figures, suggestions):
        console.print(f"- {_shown(sentence)}")


def print_sweep(tried: Sequence[Tried], zone: ZoneInfo) -> None:
    """One line for each variant."""
    keys = list(tried[0].values)
    table = Table(*keys, "fired", "in all", "longest", "again", "messages", "at night", "a month", box=None)
    for one in tried:
        for rule in count(one.replay, zone).rules:
            values = [value_text(key, one.values[key]) for key in keys]
            counted = (rule.fired, duration(rule.firing_s), duration(rule.longest_s), rule.flaps, rule.messages)
            table.add_row(*values, *map(str, counted), str(rule.at_night), _rate(rule.per_month))
    Console(highlight=False).print(table)


def _print_rules(console: Console, figures: Figures) -> None:
    table = Table(box=None, caption="again: fired anew within half an hour", caption_justify="left")
    table.add_column("rule", overflow="fold")
    for name in ("fired", "in all", "longest", "again", "messages", "a month", "errors"):
        table.add_column(name, no_wrap=True, justify="right")
    for one in figures.rules:
        counted = (one.fired, duration(one.firing_s), duration(one.longest_s), one.flaps, one.messages)
        table.add_row(
            _shown(one.rule.rule.name),
            *(map(str, counted) if one.fired else ("-", "", "", "", "")),
            _rate(one.per_month) if one.messages else "",
            str(one.rule.errors - one.rule.away or ""),
        )
    console.print(table)


def _print_incidents(console: Console, done: Replay, zone: ZoneInfo, *, every: bool) -> None:
    found = sorted((one for rule in done.rules for one in rule.incidents), key=lambda one: one.firing)
    if not found:
        return
    table = Table("fired", "for", "alert", "value", box=None, title="\nwhen", title_justify="left")
    for one in _newest(found, every=every):
        table.add_row(_at(one.firing, done, zone), _lasted(one, done), _shown(_name(one)), number(one.value))
    console.print(table)
    _tell_cut(console, len(found), every=every)


def _print_messages(console: Console, done: Replay, zone: ZoneInfo, *, every: bool) -> None:
    if not done.told:
        return
    table = Table("sent", "to", "message", "why", box=None, title="\nmessages", title_justify="left")
    for told in _newest(done.told, every=every):
        one = told.notification
        text = f"{told.message.title}\n{told.message.text}" if every else told.message.title
        table.add_row(_at(one.at, done, zone), _shown(one.receiver), _shown(text), one.reason.value)
    console.print(table)
    _tell_cut(console, len(done.told), every=every)


def _print_receivers(console: Console, figures: Figures) -> None:
    if not figures.receivers:
        return
    columns = ("receiver", "messages", "at night", "held back", "a week", "a year")
    table = Table(box=None, title="\nreceivers", title_justify="left")
    for name in columns:
        table.add_column(name, justify="left" if name == "receiver" else "right")
    for one in figures.receivers:
        counted = (one.messages, one.at_night, one.held)
        table.add_row(_shown(one.receiver), *map(str, counted), _rate(one.per_week), _rate(one.per_year))
    console.print(table)


def _newest(found: Sequence[T], *, every: bool) -> Iterable[T]:
    return found if every else found[-_MOST:]


def _tell_cut(console: Console, count_all: int, *, every: bool) -> None:
    if count_all > _MOST and not every:
        console.print(f"the newest {_MOST} of {count_all}; --json, --output or --rule NAME shows all")


def _name(one: Incident) -> str:
    labels = ", ".join(f"{name}={text}" for name, text in one.labels.items() if name not in ("alertname", "severity"))
    return f"{one.labels.get('alertname', '')} ({labels})" if labels else one.labels.get("alertname", "")


def _lasted(one: Incident, done: Replay) -> str:
    return duration(firing_s(one, one.firing, done.reached)) + ("" if one.resolved is not None else " so far")


def _rate(per: float | None) -> str:
    return "" if per is None else f"{per:.1f}" if per < 10 else f"{per:.0f}"


def _at(ts: float, done: Replay, zone: ZoneInfo) -> str:
    return local_time(ts, done.end + 7 * 86400, zone)


def _shown(text: str) -> str:
    """As it stands: a label must neither paint the terminal nor be read as markup."""
    return escape(clean(text))
