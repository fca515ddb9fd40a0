"""Where silences live: in watchman's own store, or in the Alertmanager beside it. For `watchman silence`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from watchman.alertmanager.model import Silence as TheirSilence
from watchman.alertmanager.silencing import add_silence, all_silences, expire_silence
from watchman.config import Config
from watchman.errors import WatchmanError
from watchman.jobs.silences import read_matcher
from watchman.notify.matchers import MatcherError
from watchman.notify.mute import Silence
from watchman.notify.silences import SilenceError
from watchman.store import open_store, silences
from watchman.web.shapes_v2 import postable_silence
from watchman.wiring import make_members, state_url


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who keeps silences, and what it can be asked. `add` gives the id."""

    add: Callable[[Silence, float], str]
    every: Callable[[], list[Silence]]
    expire: Callable[[str, float], None]


def make_keeper(config: Config, *, own: bool) -> Keeper:
    """The Alertmanager's where there is one, unless `own`. Raises StoreError; later calls raise WatchmanError."""
    members = tuple(make_members(config))
    if members and not own:
        return Keeper(
            add=lambda silence, _now: add_silence(members, postable_silence(silence)),
            every=lambda: list(_ours(all_silences(members))),
            expire=lambda silence_id, _now: expire_silence(members, silence_id),
        )
    store = open_store(state_url(config))

    def add(silence: Silence, now: float) -> str:
        try:
            with store.begin() as connection:
                return silences.save(connection, silence, now).id
        except SilenceError as error:
            raise WatchmanError(str(error)) from error

    def every() -> list[Silence]:
        with store.read() as connection:
            return silences.load(connection)

    def expire(silence_id: str, now: float) -> None:
        try:
            with store.begin() as connection:
                silences.expire(connection, silence_id, now)
        except SilenceError as error:
            raise WatchmanError(f"{silence_id}: {error}; watchman silence list shows what there is") from error

    return Keeper(add, every, expire)


def _ours(theirs: Iterable[TheirSilence]) -> Iterator[Silence]:
    for one in theirs:
        try:
            matchers = tuple(read_matcher(matcher) for matcher in one.matchers)
        except MatcherError:
            # An expression that only their library knows: the silence is listed where it was made.
            continue
        yield Silence(one.id, matchers, one.starts_at, one.ends_at, one.comment, one.created_by)
