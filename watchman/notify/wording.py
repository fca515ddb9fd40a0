"""Jinja2 for messages: the shipped templates and a receiver's own, in a sandbox, and what is wrong with one.

Title and text go to phones as they are; in `html` every value is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from jinja2 import PackageLoader, StrictUndefined, Template, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from watchman.notify.words import duration, number, one_line, power

MAX_TEMPLATE_CHARS = 100_000


@dataclass(frozen=True, slots=True)
class Templates:
    """A receiver's own templates; None is the shipped one."""

    title: str | None = None
    text: str | None = None
    html: str | None = None

    def given(self) -> Iterator[tuple[str, str]]:
        """Those that are its own, by part."""
        for field in fields(self):
            source = getattr(self, field.name)
            if source is not None:
                yield field.name, source


@dataclass(frozen=True, slots=True)
class Wording:
    """The templates of the three parts of a message."""

    title: Template
    text: Template
    html: Template


def shipped() -> Wording:
    """What is used where a receiver has nothing of its own, and where its own fails."""
    plain, escaped = _environment(autoescape=False), _environment(autoescape=True)
    return Wording(plain.get_template("title.j2"), plain.get_template("text.j2"), escaped.get_template("html.j2"))


def own(part: str, source: str) -> Template:
    """A receiver's template; raises ValueError that names cause and line."""
    if len(source) > MAX_TEMPLATE_CHARS:
        raise ValueError(f"longer than {MAX_TEMPLATE_CHARS} characters")
    try:
        return _environment(autoescape=part == "html").from_string(source)
    except TemplateSyntaxError as error:
        raise ValueError(f"line {error.lineno}: {one_line(str(error.message))}") from None
    except (TemplateError, RecursionError) as error:
        raise ValueError(explain(error)) from None


def explain(error: Exception) -> str:
    """What a template did wrong, on one line: the kind of the error and its text."""
    kind = type(error).__name__
    return f"{kind}: {one_line(str(error))[:200]}" if str(error) else kind


def _environment(*, autoescape: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=PackageLoader("watchman.notify"), autoescape=autoescape, undefined=StrictUndefined
    )
    environment.filters |= {"number": number, "power": power, "duration": duration}
    return environment
