"""Silences are obeyed: those of the Alertmanager beside us, read now and then, and own ones that a command made.

All are matched here before anything is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping

from watchman.alertmanager.client import AlertmanagerError
from watchman.alertmanager.model import Silence as TheirSilence
from watchman.alertmanager.model import SilenceMatcher
from watchman.context import Context
from watchman.notify.matchers import Matcher, MatcherError, Op, make_matcher
from watchman.notify.mute import Silence
from watchman.store import silences

log = logging.getLogger(__name__)

OPS = {(False, True): Op.EQUAL, (False, False): Op.NOT_EQUAL, (True, True): Op.REGEX, (True, False): Op.NOT_REGEX}


def read_silences(context: Context) -> None:
    """Take the silences of the first member that answers; while none does, those known last stay in force."""
    for member in context.wiring.members:
        try:
            theirs = member.silences()
        except AlertmanagerError:
            # That it cannot be reached is told by forwarding.
            continue
        found = tuple(to_silences(theirs, context.wiring.config.external_labels))
        if found != context.silences:
            log.info("%d silences of the Alertmanager are in force or ahead", len(found))
            context.silences = found
            # The next process obeys them from its first moment on, and while no Alertmanager answers it.
            with context.store.begin() as connection:
                silences.keep_theirs(connection, found, context.clock.now())
            context.want_dispatch()
        return


def notice_silences(context: Context) -> None:
    """Have dispatch look again if a command made, changed or ended a silence."""
    with context.store.read() as connection:
        mark = silences.mark(connection)
    if context.silence_mark not in (None, mark):
        context.want_dispatch()
    context.silence_mark = mark


def to_silences(theirs: Iterable[TheirSilence], external_labels: Mapping[str, str]) -> Iterator[Silence]:
    """Those that are not over, in our words.

    The Alertmanager sees our alerts with the external labels; here they are without. A matcher on such a label is
    answered at once: it holds and is left out, or the silence is for somebody else's alerts.
    """
    for one in theirs:
        if one.state == "expired":
            continue
        try:
            matchers = [read_matcher(matcher) for matcher in one.matchers]
        except MatcherError as error:
            log.warning("silence %s cannot be read: %s", one.id, error)
            continue
        outside = [matcher for matcher in matchers if matcher.name in external_labels]
        if all(matcher.matches(external_labels) for matcher in outside):
            inside = tuple(matcher for matcher in matchers if matcher.name not in external_labels)
            yield Silence(one.id, inside, one.starts_at, one.ends_at, one.comment, one.created_by)


def read_matcher(theirs: SilenceMatcher) -> Matcher:
    """A matcher in our words; raises MatcherError if its expression cannot be read."""
    return make_matcher(theirs.name, OPS[theirs.is_regex, theirs.is_equal], theirs.value)
