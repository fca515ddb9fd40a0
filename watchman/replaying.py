"""What `watchman replay` and whoever else asks "what would have been" has from the configuration: ports and setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace as changed
from zoneinfo import ZoneInfo

from watchman.book import as_active
from watchman.errors import QueryError, UsageError, WatchmanError
from watchman.localtime import iso_local
from watchman.prometheus import Prometheus
from watchman.replay import Ports, Replay, Setting, replay
from watchman.replay.away import away_times
from watchman.replay.data import Recorded, look, with_notes
from watchman.replay.run import Progress
from watchman.rules.rule import Group
from watchman.rules.template import make_expander
from watchman.wiring import Wiring, prometheus_settings

RANGE_TIMEOUT_S = 60.0
"""A month at once takes longer than one slot: `prometheus.timeout` counts only where it is longer."""
MOST_RESPONSE_BYTES = 12 * 1024 * 1024
_MOST_HOLES_TOLD = 5
_NOTICED_S = 900.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is to be replayed, and what was found about the data on the way. `notes` are sentences."""

    setting: Setting
    recorded: Recorded
    notes: tuple[str, ...]


def replay_rules(
    wiring: Wiring, groups: Sequence[Group], start: float, end: float, progress: Progress | None = None
) -> Replay:
    """The alerting rules of `groups` over [start, end], told as this configuration tells.

    Raises QueryError, and WatchmanError if Prometheus has nothing of the range.
    """
    ports = make_ports(wiring, progress)
    prepared = prepare(wiring, groups, start, end, ports)
    return complete(replay(prepared.setting, ports), prepared)


def prepare(wiring: Wiring, groups: Sequence[Group], start: float, end: float, ports: Ports) -> Prepared:
    """The setting of a replay; its start moves to where the data begins. Raises as `replay_rules`."""
    setting = _whole_range(wiring, groups, start, end)
    recorded = look(setting, ports, wiring.groups)
    zone, kept = wiring.config.site.timezone, _retention(wiring)
    if recorded.first is None:
        raise WatchmanError(
            f"Prometheus has nothing of what the rules read between {iso_local(start, zone)} and"
            f" {iso_local(end, zone)}{kept}: give another range, or check prometheus.url and its jobs"
        )
    notes = []
    if recorded.first > setting.lead_start:
        setting = changed(setting, not_before=recorded.first)
    if recorded.first - start > _NOTICED_S:
        setting = changed(setting, start=recorded.first)
        began = iso_local(setting.start, zone)
        notes.append(f"Prometheus has nothing of what the rules read before {began}{kept}: the replay begins there.")
    setting = changed(setting, away=away_times(ports, setting.lead_start, end))
    notes += _away_notes(setting, zone)
    return Prepared(setting, recorded, tuple(notes))


def complete(done: Replay, prepared: Prepared) -> Replay:
    """The replay with everything that was found about its data."""
    return with_notes(changed(done, notes=(*prepared.notes, *done.notes)), prepared.recorded)


def make_ports(wiring: Wiring, progress: Progress | None = None) -> Ports:
    """Prometheus with time for ranges, and the daemon's own texts."""
    config = wiring.config
    settings = prometheus_settings(config.prometheus)
    prometheus = Prometheus(
        changed(
            settings,
            timeout_s=max(settings.timeout_s, RANGE_TIMEOUT_S),
            max_response_bytes=min(settings.max_response_bytes, MOST_RESPONSE_BYTES),
        )
    )
    external_url = config.web.external_url or f"http://{config.web.listen}"
    return Ports(
        range_query=prometheus.matrix,
        query=prometheus.query,
        expand=make_expander(prometheus.query, dict(config.external_labels), external_url),
        as_active=as_active,
        render=wiring.render,
        progress=progress or (lambda _done, _all: None),
    )


def make_setting(wiring: Wiring, groups: Sequence[Group], start: float, end: float, ports: Ports) -> Setting:
    """The configuration's routing over a range, with the times in which Prometheus was away."""
    setting = _whole_range(wiring, groups, start, end)
    return changed(setting, away=away_times(ports, setting.lead_start, end))


def _whole_range(wiring: Wiring, groups: Sequence[Group], start: float, end: float) -> Setting:
    return Setting(
        groups=groups,
        routing=wiring.routing,
        start=start,
        end=end,
        max_elements=wiring.config.max_elements_per_rule,
        is_away=wiring.config.site.away,
    )


def named_groups(groups: Sequence[Group], name: str | None) -> list[Group]:
    """The groups with only the alerting rules of that name; raises UsageError if there is none."""
    if name is None:
        return list(groups)
    chosen = [
        changed(group, rules=tuple(rule for rule in group.rules if rule.name == name and not rule.record))
        for group in groups
    ]
    chosen = [group for group in chosen if group.rules]
    if not chosen:
        known = sorted({rule.name for group in groups for rule in group.rules if not rule.record})
        raise UsageError(f'no alerting rule is called "{name}"; there are {", ".join(known) or "none"}')
    return chosen


def _retention(wiring: Wiring) -> str:
    """What Prometheus says about how long it keeps data; empty if it does not say."""
    try:
        flags = wiring.prometheus.flags()
    except QueryError:
        return ""
    kept = flags.get("storage.tsdb.retention.time", "")
    return f" (it keeps {'15d' if kept in ('', '0s') else kept})" if flags else ""


def _away_notes(setting: Setting, zone: ZoneInfo) -> list[str]:
    holes = [(began, ended) for began, ended in setting.away if ended > setting.start]
    notes = [
        f"Prometheus was away from {iso_local(began, zone)} to {iso_local(ended, zone)}: the rules were on hold."
        for began, ended in holes[:_MOST_HOLES_TOLD]
    ]
    if len(holes) > _MOST_HOLES_TOLD:
        notes.append(f"So it was {len(holes) - _MOST_HOLES_TOLD} times more.")
    return notes
