"""The message templates of receivers, from config.yaml or the files it names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from watchman.config.model import Config, TemplatesConfig
from watchman.notify.render import template_faults
from watchman.notify.wording import MAX_TEMPLATE_CHARS, Templates

PARTS = ("title", "text", "html")


def read_templates(given: TemplatesConfig, folder: Path) -> Templates:
    """A receiver's templates with the text of their files. Raises ValueError that names a file that cannot be read."""
    return Templates(**{part: _source(given, part, folder) for part in PARTS})


def check_templates(config: Config, folder: Path) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong with the templates of each receiver: the key, and cause with line."""
    for index, receiver in enumerate(config.receivers):
        for part in PARTS:
            key = f"{part}_file" if getattr(receiver.templates, f"{part}_file") is not None else part
            place = ("receivers", index, "templates", key)
            try:
                source = _source(receiver.templates, part, folder)
            except ValueError as error:
                yield place, str(error)
                continue
            only = Templates(**{part: source})
            yield from (
                (place, f"the template fails: {fault}") for _, fault in template_faults(only, config.site.timezone)
            )


def _source(given: TemplatesConfig, part: str, folder: Path) -> str | None:
    name: str | None = getattr(given, f"{part}_file")
    if name is None:
        text: str | None = getattr(given, part)
        return text
    try:
        with (folder / name).open(encoding="utf-8") as stream:
            return stream.read(MAX_TEMPLATE_CHARS + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ValueError(f"cannot read the template {name}: {reason}") from error
