"""Bodies of Alertmanager's API version 2, read as strictly as Alertmanager reads them.

A fault carries the status and the code that Alertmanager answers with, and one sentence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from watchman.notify.matchers import Matcher, MatcherError, Op, make_matcher
from watchman.notify.message import Source
from watchman.notify.mute import Silence
from watchman.notify.posted import PostedAlert, with_times
from watchman.series import fingerprint, writable

REQUIRED, WRONG_FORMAT, TOO_FEW = 602, 601, 612
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})?")
_URI = re.compile(r"(?:/|[a-zA-Z][a-zA-Z0-9+.-]*:)[^\x00-\x1f\x7f]*")
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_OPS = {(False, True): Op.EQUAL, (False, False): Op.NOT_EQUAL, (True, True): Op.REGEX, (True, False): Op.NOT_REGEX}
# Go writes "no time" as the first instant of its calendar.
_ZERO_TIME = datetime(1, 1, 1, tzinfo=UTC)


class BodyError(ValueError):
    """A body that is refused whole. `code` is the one in the answer's object; None where it is a plain sentence."""

    def __init__(self, status: int, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Batch:
    """The good alerts of a post, and what is wrong with the others, in their order."""

    alerts: tuple[PostedAlert, ...]
    errors: tuple[str, ...]


def read_alerts(body: bytes, source: Source, now: float, resolve_timeout_s: float) -> Batch:
    """The alerts of a post. Raises BodyError if its shape is wrong; a bad alert only leaves the batch."""
    items = _document(body, "alerts")
    if items is None:
        raise BodyError(422, "alerts in body is required", REQUIRED)
    if not isinstance(items, list):
        raise _cannot("alerts", "the body must be a list of alerts")
    shaped = [_shape_alert(item, index) for index, item in enumerate(items)]
    alerts, errors = [], []
    for fields in shaped:
        start, end, by_timeout = with_times(fields["startsAt"], fields["endsAt"], now, resolve_timeout_s)
        labels = {name: text for name, text in fields["labels"].items() if text}
        error = _alert_error(labels, fields["annotations"], start, end)
        if error:
            errors.append(error)
            continue
        alerts.append(
            PostedAlert(
                fingerprint=fingerprint(labels),
                source=source,
                labels=labels,
                annotations=fields["annotations"],
                starts_at=start,
                ends_at=end,
                updated_at=now,
                generator_url=fields["generatorURL"],
                by_timeout=by_timeout,
            )
        )
    return Batch(tuple(alerts), tuple(errors))


def read_silence(body: bytes) -> Silence:
    """The silence of a post, without an id if it is a new one. Raises BodyError."""
    fields = _document(body, "silence")
    fields = {} if fields is None else fields
    if not isinstance(fields, dict):
        raise _cannot("silence", "the body must be an object")
    texts = {name: _text(fields, name, "silence", "Silence") for name in ("comment", "createdBy", "id")}
    times = {name: _time(fields, name, "silence") for name in ("endsAt", "startsAt")}
    _all_there(fields, ("comment", "createdBy", "endsAt", "matchers", "startsAt"), "")
    raw = fields["matchers"]
    if not isinstance(raw, list):
        raise _cannot("silence", "matchers must be a list")
    if not raw:
        raise BodyError(422, "matchers in body should have at least 1 items", TOO_FEW)
    starts_at, ends_at = times["startsAt"], times["endsAt"]
    if starts_at is None or ends_at is None:
        raise BodyError(400, "Failed to create silence: start time must be before end time")
    return Silence(
        id=texts["id"],
        matchers=tuple(_matcher(item, index) for index, item in enumerate(raw)),
        starts_at=starts_at,
        ends_at=ends_at,
        comment=texts["comment"],
        created_by=texts["createdBy"],
    )


def check_id(silence_id: str) -> str:
    """The id in lower case. Raises BodyError if it is no UUID."""
    if not _UUID.fullmatch(silence_id):
        raise BodyError(422, f"silenceID in path must be of type uuid: {_quoted(silence_id)}", WRONG_FORMAT)
    return silence_id.lower()


def parse_time(text: str) -> float | None:
    """Unix seconds of an RFC 3339 time, None for Go's zero time; raises ValueError."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 time")
    day, clock, fraction, offset = match.groups()
    zone = "+00:00" if offset in (None, "Z", "z") else offset
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{zone}").astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of range") from error
    decimals = float(f"0.{fraction or 0}")
    return None if moment == _ZERO_TIME and not decimals else moment.timestamp() + decimals


def _document(body: bytes, what: str) -> Any:
    if not body.strip():
        raise BodyError(422, f"{what} in body is required", REQUIRED)
    try:
        text = body.decode()
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError as error:
        raise _cannot(what, "it is nested too deeply") from error
    except ValueError as error:
        raise _cannot(what, "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)) from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _shape_alert(item: Any, index: int) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise _cannot("alerts", f"element {index} must be an object")
    shaped: dict[str, Any] = {name: _time(item, name, "alerts") for name in ("startsAt", "endsAt")}
    shaped |= {name: _labels(item, name) for name in ("labels", "annotations")}
    shaped["generatorURL"] = _text(item, "generatorURL", "alerts", "Alert")
    _all_there(item, ("labels",), f"{index}.")
    url = shaped["generatorURL"]
    if url and (not _URI.fullmatch(url) or _BAD_ESCAPE.search(url)):
        raise BodyError(422, f"{index}.generatorURL in body must be of type uri: {_quoted(url)}", WRONG_FORMAT)
    return shaped


def _alert_error(labels: Mapping[str, str], annotations: Mapping[str, str], start: float, end: float) -> str:
    if end < start:
        return "start time must be before end time"
    for what, names in (("label set", labels), ("annotations", annotations)):
        bad = next((name for name in names if not _LABEL_NAME.fullmatch(name)), None)
        if bad is not None:
            return f"invalid {what}: invalid name {_quoted(bad)}"
        if not labels:
            return "at least one label pair required"
    return ""


def _matcher(item: Any, index: int) -> Matcher:
    if not isinstance(item, dict):
        raise _cannot("silence", f"matcher {index} must be an object")
    name, value = (_text(item, field, "silence", "Matcher") for field in ("name", "value"))
    flags = {field: item.get(field) for field in ("isRegex", "isEqual")}
    for field, flag in flags.items():
        if flag is not None and not isinstance(flag, bool):
            raise _cannot("silence", f"{field} of matcher {index} must be true or false")
    _all_there(item, ("isRegex", "name", "value"), f"matchers.{index}.")
    op = _OPS[bool(flags["isRegex"]), flags["isEqual"] is not False]
    try:
        return make_matcher(name, op, value)
    except MatcherError as error:
        reason = str(error).partition("(RE2): ")[2]
        text = f"invalid regular expression {_quoted(value)}: {reason}"
        raise BodyError(400, f"silence invalid: invalid label matcher {index}: {text}") from error


def _all_there(fields: Mapping[str, Any], names: tuple[str, ...], where: str) -> None:
    for name in names:
        if fields.get(name) is None:
            raise BodyError(422, f"{where}{name} in body is required", REQUIRED)


def _labels(item: Mapping[str, Any], name: str) -> dict[str, str]:
    value = item.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _cannot("alerts", f"{name} must be an object of strings")
    bad = next((key for key, text in value.items() if text is not None and not isinstance(text, str)), None)
    if bad is not None:
        raise _cannot("alerts", f"the value of {_quoted(bad)} in {name} must be a string")
    return {writable(key): writable(text or "") for key, text in value.items()}


def _text(fields: Mapping[str, Any], name: str, what: str, owner: str) -> str:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise _cannot(what, f"{owner}.{name} must be a string")
    return writable(value or "")


def _time(fields: Mapping[str, Any], name: str, what: str) -> float | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    try:
        if not isinstance(value, str):
            raise ValueError("not a string")
        return parse_time(value)
    except ValueError as error:
        text = _quoted(str(value))
        raise _cannot(what, f"{name} is {text}: {error}; write it like 2026-11-21T22:02:10Z") from error


def _cannot(what: str, reason: str) -> BodyError:
    return BodyError(400, f'parsing {what} body from "" failed, because {reason}', 400)


def _quoted(text: str) -> str:
    return json.dumps(writable(text[:100]), ensure_ascii=False)
