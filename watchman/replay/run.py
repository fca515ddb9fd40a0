"""Rules over recorded history: the daemon's engine and notification logic on slots that have passed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from watchman.notify.mute import Silence
from watchman.notify.plan import Routing
from watchman.notify.render import Renderer
from watchman.replay.desk import AsActive, Desk
from watchman.replay.grid import grid_of
from watchman.replay.lead import lead_s
from watchman.replay.piece import Keep
from watchman.replay.presence import Ahead
from watchman.replay.result import Replay
from watchman.replay.source import RangeQuery, Source
from watchman.replay.texts import Texts
from watchman.replay.track import Track
from watchman.replay.world import World
from watchman.rules.engine import Alerts
from watchman.rules.presence import make_present
from watchman.rules.rule import Group, Rule
from watchman.rules.template import Expander
from watchman.series import Query

Progress = Callable[[int, int], None]
"""`progress(done, all)` in slots of all rules, whenever an answer has come."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What a replay asks of the world. `as_active` is the daemon's own view of an alert."""

    range_query: RangeQuery
    query: Query
    expand: Expander
    as_active: AsActive
    render: Renderer
    progress: Progress = lambda _done, _all: None


@dataclass(frozen=True, slots=True)
class Setting:
    """What is replayed: which rules, told by which routing, in [start, end] (unix seconds).

    `alerts` are those the rules begin with, by group key and the rule's place in it. `away` are times in which
    Prometheus recorded nothing; `is_away`: nobody is at home. The evaluation leads up to `start` (`lead_s`), but not
    from before `not_before`.
    """

    groups: Sequence[Group]
    routing: Routing
    start: float
    end: float
    silences: Sequence[Silence] = ()
    max_elements: int = 10_000
    away: Sequence[tuple[float, float]] = ()
    alerts: Mapping[tuple[str, int], Alerts] = field(default_factory=dict)
    not_before: float = float("-inf")
    is_away: bool = False

    @property
    def lead_start(self) -> float:
        """Where the evaluation begins, so that at `start` alerts are what they were then."""
        return min(self.start, max(self.start - lead_s(self.groups), self.not_before))


@dataclass(frozen=True, slots=True)
class Variant:
    """Rules that differ from those of the setting in what needs no other query: `changed` by group key and place."""

    name: str
    changed: Mapping[tuple[str, int], tuple[Rule, Keep | None]] = field(default_factory=dict)


def replay(setting: Setting, ports: Ports) -> Replay:
    """The alerting rules of `setting` over its range: when each would have fired, and what who would have been told.

    Raises QueryError if Prometheus does not answer. A KeyboardInterrupt ends it early, with what is known by then.
    """
    return replay_variants(setting, ports, [Variant("")])[0]


def replay_variants(setting: Setting, ports: Ports, variants: Sequence[Variant]) -> list[Replay]:
    """Several variants of the same rules at once, from one fetch of their expressions."""
    sources = _sources(setting, ports)
    worlds = [_world(setting, ports, sources, variant) for variant in variants]
    reached = max(setting.start, _run(worlds, setting.end))
    return [
        Replay(
            start=setting.start,
            end=setting.end,
            reached=reached,
            rules=world.results(setting.start, reached),
            told=tuple(told for told in world.desk.told if told.notification.at >= setting.start),
            kept_back=tuple(held for held in world.desk.kept_back if held.at >= setting.start),
        )
        for world in worlds
    ]


def _run(worlds: Sequence[World], end: float) -> float:
    """Takes all worlds through time side by side, so that they read the same answers; returns the time reached."""
    now = float("-inf")
    try:
        while True:
            world = min(worlds, key=World.next_at)
            if world.next_at() > end:
                return end
            now = world.next_at()
            world.run(now)
    except KeyboardInterrupt:
        return now


def _sources(setting: Setting, ports: Ports) -> dict[tuple[str, int], Source]:
    """The answers each alerting rule needs. Recording rules need none: what reads them asks for their expression."""
    sources: dict[tuple[str, int], Source] = {}
    fetched = 0

    def tell(slots: int) -> None:
        nonlocal fetched
        fetched += slots
        ports.progress(fetched, total)

    for group in setting.groups:
        grid = grid_of(group, setting.lead_start, setting.end)
        for index, rule in enumerate(group.rules):
            if not rule.record and grid.count:
                sources[group.key, index] = Source(
                    rule.query, grid, group.query_offset_s, ports.range_query, ports.query, setting.away, tell
                )
    total = sum(source.grid.count for source in sources.values())
    return sources


def _world(setting: Setting, ports: Ports, sources: Mapping[tuple[str, int], Source], variant: Variant) -> World:
    tracks = []
    for group in setting.groups:
        for index, rule in enumerate(group.rules):
            place = group.key, index
            if place in sources:
                own, keep = variant.changed.get(place, (rule, None))
                tracks.append(_track(setting, ports, sources[place], group, own, keep, setting.alerts.get(place, {})))
    desk = Desk(setting.routing, ports.render, ports.as_active, setting.silences, is_away=setting.is_away)
    return World(tracks, desk)


def _track(
    setting: Setting, ports: Ports, source: Source, group: Group, rule: Rule, keep: Keep | None, alerts: Alerts
) -> Track:
    ahead = Ahead(ports.query, ports.range_query, group.interval_s, setting.end)
    return Track(
        rule=rule,
        group=group,
        source=source,
        texts=Texts(rule, ports.expand),
        make_present=lambda one: make_present(one, ahead.ask),
        max_elements=setting.max_elements,
        keep=keep,
        alerts=alerts,
        count_from=source.grid.last_before(setting.start - 0.001) + 1,
    )
