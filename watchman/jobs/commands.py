"""Commands that come by the ntfy topic: signed orders of buttons, carried out once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from watchman import actions
from watchman.context import Context
from watchman.errors import StoreError
from watchman.notify.listen import Listener
from watchman.notify.orders import MOST_CHARS, OrderError, Topic
from watchman.store.facts import get_fact, set_fact

log = logging.getLogger(__name__)

SEEN = "commands_seen"


def take_command(context: Context, text: str) -> bool:
    """Carry out what a button posted; anybody can post there, so what is not signed is only counted.

    False if the state could not be written and the command has to come again.
    """
    try:
        actions.perform(context, text.strip()[: MOST_CHARS + 1], "topic")
    except OrderError as error:
        log.debug("a text on the command topic was refused: %s", error)
    except StoreError as error:
        log.error("a command waits: %s", error)
        return False
    except Exception:
        # The thread that listens must not end with one text that nobody foresaw.
        log.exception("a text on the command topic could not be read and is passed over")
    return True


def seen_until(context: Context, topic: str) -> str:
    """The last message of the topic that was read before, or the present time where it was never listened to."""
    with context.store.read() as connection:
        known: Any = get_fact(connection, SEEN)
    if isinstance(known, Mapping) and known.get("topic") == topic:
        return str(known.get("id"))
    return str(int(context.clock.now()))


def remember_seen(context: Context, topic: str, number: str) -> None:
    """Go on from this message after a restart. If it cannot be kept, messages are read twice, which does nothing."""
    try:
        with context.store.begin() as connection:
            set_fact(connection, SEEN, {"topic": topic, "id": number}, context.clock.now())
    except StoreError as error:
        log.debug("the place in the command topic was not kept: %s", error)


class CommandEar:
    """Listens to the command topic of the configuration, over reloads."""

    def __init__(self) -> None:
        self._topic: Topic | None = None
        self._listener: Listener | None = None

    def follow(self, context: Context) -> None:
        """Listen to the topic that is configured now; nothing happens if it is the one already listened to."""
        topic = context.wiring.commands
        if topic == self._topic:
            return
        self.stop()
        self._topic = topic
        if topic is None:
            return
        self._listener = Listener(
            topic,
            seen_until(context, topic.url),
            partial(take_command, context),
            partial(remember_seen, context, topic.url),
            context.clock.monotonic,
        )
        self._listener.start()

    def stop(self) -> None:
        """Hear no more; the thread ends with its stream."""
        if self._listener is not None:
            self._listener.stop()
        self._topic, self._listener = None, None
