"""Log lines for people or machines, on stderr: one line per change, none per tick."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

# A label may hold megabytes.
MAX_CHARACTERS = 4000


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        line = f"{moment} {record.levelname.lower():7} {one_line(_cut(record.getMessage()))}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": _cut(record.getMessage()),
        }
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def set_up_logging(log_format: str = "text", *, debug: bool = False) -> None:
    """Send the log of this process to stderr; `log_format` is text or json."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter() if log_format == "json" else _TextFormatter())
    logging.basicConfig(level=logging.DEBUG if debug else logging.INFO, handlers=[handler], force=True)
    # What these libraries log at info is one line per request or send; our own lines say what changed.
    for name in ("apprise", "urllib3", "waitress", "schedule", "werkzeug", "matplotlib", "PIL"):
        logging.getLogger(name).setLevel(logging.DEBUG if debug else logging.ERROR)


def one_line(text: str) -> str:
    """Text without line breaks and control characters: labels and answers of other programs must not forge lines."""
    return "".join(character if character.isprintable() else " " for character in text)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}... ({len(text)} characters)"
