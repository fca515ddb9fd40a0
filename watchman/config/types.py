"""Value types of config.yaml: durations, times of day, secrets and where they may come from."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr, model_validator

from watchman.durations import parse_duration


def _duration(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, str):
        raise ValueError(f"not a duration: {value!r}; write a number with its unit, such as 30s, 5m or 1h30m")
    try:
        return parse_duration(value)
    except ValueError as error:
        raise ValueError(f"{error}; write it like 30s, 5m or 1h30m") from error


def _positive_duration(value: Any) -> float:
    seconds = _duration(value)
    if seconds <= 0:
        raise ValueError(f"must be longer than 0s, got {value}")
    return seconds


def _time_of_day(value: Any) -> time:
    try:
        hour, minute = str(value).split(":")
        return time(int(hour), int(minute))
    except ValueError as error:
        raise ValueError(f'not a time of day: {value!r}; write it like "07:05"') from error


def _zone(value: Any) -> ZoneInfo:
    try:
        return ZoneInfo(str(value))
    except Exception as error:
        raise ValueError(
            f"unknown time zone {value!r}; use a name such as Europe/Berlin or America/Los_Angeles"
        ) from error


Duration = Annotated[float, BeforeValidator(_duration, json_schema_input_type=str)]
"""Seconds, written in Prometheus' grammar."""

PositiveDuration = Annotated[float, BeforeValidator(_positive_duration, json_schema_input_type=str)]


def _ladder(value: Any) -> tuple[float, ...]:
    steps = value if isinstance(value, list) else [value]
    if not steps:
        raise ValueError("an empty list says nothing; leave the key out for the severity's own repeats")
    return tuple(_positive_duration(step) for step in steps)


Durations = Annotated[tuple[float, ...], BeforeValidator(_ladder, json_schema_input_type=str | list[str])]
"""Seconds of one duration longer than 0s, or of a list of them."""

TimeOfDay = Annotated[time, BeforeValidator(_time_of_day, json_schema_input_type=str)]

Zone = Annotated[ZoneInfo, BeforeValidator(_zone, json_schema_input_type=str)]


class Section(BaseModel):
    """A part of config.yaml: unknown keys are faults, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True)


class SecretSection(Section):
    """A section with secrets: every `NAME` that is a secret has a twin `NAME_file` that names a file with its text."""

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        values = dict(data)
        for name, info in cls.model_fields.items():
            twin = f"{name}_file"
            if info.annotation != SecretStr | None or values.get(twin) is None:
                continue
            if values.get(name) is not None:
                raise ValueError(f"give {name} or {twin}, not both")
            values[name] = read_secret(values.pop(twin))
        return values


def read_secret(file: Any) -> str:
    """The text of a secret file without its line end; raises ValueError that names the file."""
    try:
        text = Path(str(file)).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ValueError(f"cannot read the secret file {file}: {reason}") from error
    if not text:
        raise ValueError(f"the secret file {file} is empty")
    return text
