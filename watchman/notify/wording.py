"""Jinja2 for messages: the shipped templates and a receiver's own, in a sandbox, and what is wrong with one.

Title and text go to phones as they are; in `html` every value is escaped. A template cannot reach beyond its values,
and one that would never end or fill the memory fails instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from jinja2 import PackageLoader, StrictUndefined, Template, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from watchman.notify.words import duration, number, one_line, power

MAX_TEMPLATE_CHARS = 100_000
MAX_SAID_CHARS = 1_000_000
MAX_STEPS = 10_000
"""Of all loops over `range` together."""


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


def say(template: Template, context: Mapping[str, Any]) -> str:
    """What a receiver's template says; raises whatever it raises, and ValueError for one that says too much."""
    parts, length = list[str](), 0
    for part in template.generate({**context, "range": _counted_range()}):
        # The one counts parts that say nothing.
        length += len(part) + 1
        if length > MAX_SAID_CHARS:
            raise ValueError(f"it says more than {MAX_SAID_CHARS} characters")
        parts.append(part)
    return "".join(parts)


def _counted_range() -> Callable[..., range]:
    left = MAX_STEPS

    def counted(*bounds: int) -> range:
        nonlocal left
        steps = range(*bounds)
        left -= min(len(steps), MAX_STEPS) + 1
        if left < 0 or len(steps) > MAX_STEPS:
            raise ValueError(f"its loops take more than {MAX_STEPS} steps")
        return steps

    return counted


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, in which products and powers stay small too."""

    intercepted_binops = frozenset(["*", "**"])

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Jinja's own, for operands whose result is of a size that a message can need."""
        if _size_of(operator, left, right) > MAX_SAID_CHARS:
            raise ValueError(f"the result of {operator} is too large")
        return super().call_binop(context, operator, left, right)


def _size_of(operator: str, left: Any, right: Any) -> int:
    """About how many characters, elements or digits a product or power has."""
    if isinstance(left, int) and isinstance(right, int):
        return left.bit_length() * (abs(right) if operator == "**" else 1) + right.bit_length()
    for many, count in ((left, right), (right, left)):
        if isinstance(count, int) and hasattr(many, "__len__"):
            # Lists may hold lists that are as long again: no message needs a product of them.
            return len(many) * max(count, 0) if isinstance(many, str) else MAX_SAID_CHARS + 1
    return 0


def explain(error: Exception) -> str:
    """What a template did wrong, on one line: the kind of the error and its text."""
    kind = type(error).__name__
    return f"{kind}: {one_line(str(error))[:200]}" if str(error) else kind


def _environment(*, autoescape: bool) -> _Sandbox:
    environment = _Sandbox(loader=PackageLoader("watchman.notify"), autoescape=autoescape, undefined=StrictUndefined)
    environment.filters |= {"number": number, "power": power, "duration": duration}
    return environment
