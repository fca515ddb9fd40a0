"""The same message for the receiver that stands in: whose it is and why it comes here. Pure."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from watchman.notify.message import Message
from watchman.notify.words import cut, local_time

TITLE_LIMIT = 45


def for_fallback(
    message: Message, receiver: str, answer: str, created_at: float, now: float, zone: ZoneInfo
) -> Message:
    """The message of `receiver`, marked for its fallback. `answer` is what the service said, empty if nothing."""
    why = f": {answer}" if answer else ""
    remark = f"{receiver} has not got this message of {local_time(created_at, now, zone)}{why}"
    return replace(
        message,
        title=cut(f"For {receiver}: {message.title}", TITLE_LIMIT),
        text=f"{message.text}\n{remark}",
        html=None,
        sequence="",
        replaces="",
    )
