"""A replay as one HTML page: it needs nothing else, works on a phone, in light and in dark, and can be sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from watchman.notify.words import duration, number
from watchman.replay.advice import Suggestion
from watchman.replay.count import Figures, firing_s
from watchman.replay.measured import Measured
from watchman.replay.picture import lanes, plot
from watchman.replay.result import Replay
from watchman.replay.verdict import sentences

_MOST_ROWS = 500


def make_page(
    site: str,
    replay: Replay,
    figures: Figures,
    suggestions: Sequence[Suggestion],
    measured: Mapping[int, Measured],
    zone: ZoneInfo,
) -> str:
    """The whole page. `measured` are the series of rules by their place in the replay."""
    environment = Environment(
        loader=PackageLoader("watchman.replay"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(at=partial(_at, zone=zone), lasting=duration, number=number, rate=_rate)
    # Made here of numbers and escaped text.
    pictures = {index: Markup(plot(replay.rules[index], one, replay, zone)) for index, one in measured.items()}  # noqa: S704
    timeline = Markup(lanes(replay, zone))  # noqa: S704
    incidents = sorted(
        ((one, firing_s(one, replay.start, replay.reached)) for rule in replay.rules for one in rule.incidents),
        key=lambda pair: pair[0].firing,
        reverse=True,
    )
    return environment.get_template("page.html.j2").render(
        site=site,
        replay=replay,
        figures=figures,
        sentences=sentences(replay, figures, suggestions),
        measured=measured,
        pictures=pictures,
        timeline=timeline if incidents else "",
        incidents=incidents[:_MOST_ROWS],
        told=[*reversed(replay.told)][:_MOST_ROWS],
        cut=max(len(incidents), len(replay.told)) > _MOST_ROWS,
    )


def _at(ts: float, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(ts, zone):%Y-%m-%d %H:%M}"


def _rate(per: float | None) -> str:
    return "" if per is None else f"{per:.1f}" if per < 10 else f"{per:.0f}"
