#!/usr/bin/env python3
"""Writes the reference parts of the documents from the code: options, series, commands, shipped rules.

    .venv/bin/python scripts/reference.py            write what has changed
    .venv/bin/python scripts/reference.py --check    change nothing; exit 1 if something would change

A part stands between `<!-- reference: NAME -->` and `<!-- end -->`. The one line that explains an option is in
scripts/reference.yaml; tests/test_docs.py fails if a key is missing there or a part is out of date.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import time
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import click
import yaml
from pydantic import BaseModel, FiniteFloat, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from reference_series import daemon_series, exporter_series  # noqa: E402 - its folder is where Python looks first

from watchman import cli, modes  # noqa: E402 - from this checkout, whatever else is installed
from watchman.config.model import SONNEN_METRICS, Config, CountedFlow, CounterConfig  # noqa: E402
from watchman.config.routing import IntervalMapping, LabelText, MatcherText  # noqa: E402
from watchman.config.tariff import Day  # noqa: E402
from watchman.config.types import (  # noqa: E402
    Duration,
    Durations,
    PositiveDuration,
    SecretSection,
    Section,
    TimeOfDay,
    Zone,
)
from watchman.demo import main as demo_main  # noqa: E402
from watchman.durations import format_duration  # noqa: E402
from watchman.energy.catalogue import FIGURES  # noqa: E402
from watchman.rules.loader import Defaults, load_rules  # noqa: E402
from watchman.rules.rule import Group, Rule  # noqa: E402
from watchman.sonnen import __main__ as exporter_main  # noqa: E402
from watchman.sonnen import device  # noqa: E402
from watchman.sonnen.batteries import _KEYS as EXPORTER_KEYS  # noqa: E402
from watchman.sonnen.settings import _VARIABLES as EXPORTER_VARIABLES  # noqa: E402

WORDS = yaml.safe_load((ROOT / "scripts" / "reference.yaml").read_text(encoding="utf-8"))
PART = re.compile(r"(<!-- reference: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

Row = Sequence[object]


def main(argv: list[str] | None = None) -> int:
    """Write or check every document; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if something would change")
    check = parser.parse_args(argv).check
    stale = 0
    for file in documents():
        old = file.read_text(encoding="utf-8")
        new = filled(old)
        if new != old:
            stale += 1
            sys.stdout.write(f"{file.relative_to(ROOT)} {'is out of date' if check else 'written'}\n")
            if not check:
                file.write_text(new, encoding="utf-8")
    return 1 if check and stale else 0


def documents() -> list[Path]:
    """Every document that may hold a part."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def filled(text: str) -> str:
    """A document with every part as the code has it now."""
    return PART.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]().strip()}\n\n{found[3]}", text)


def table(head: Row, rows: Iterable[Row]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines) + "\n"


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ").strip()


def _code(text: object) -> str:
    return f"`{text}`" if text not in ("", None) else ""


# --- options of config.yaml ------------------------------------------------------------------------------------------


def options() -> Iterator[tuple[str, str, str]]:
    """(key, kind, default) of every option, in the order of the model."""
    yield from _options(Config, "")


def _options(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    hints = get_type_hints(model, include_extras=True)
    for name, info in model.model_fields.items():
        key = f"{prefix}{info.alias or name}"
        hint = _without_none(hints[name])
        inner = get_args(hint)[0] if get_origin(hint) is list else hint
        if _is_section(inner) and inner is not model:
            yield from _options(inner, f"{key}{'[]' if get_origin(hint) is list else ''}.")
            continue
        kind = "list of routes" if inner is model else _kind(hint)
        if kind == "secret" and issubclass(model, SecretSection):
            kind = f"secret, or `{name}_file`"
        yield key, kind, _default(key, info, hint)


def _is_section(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Section)


def _without_none(hint: Any) -> Any:
    if get_origin(hint) not in (Union, UnionType):
        return hint
    kept = [one for one in get_args(hint) if one is not NoneType]
    return kept[0] if len(kept) == 1 else hint


_KINDS: tuple[tuple[Any, str], ...] = (
    (Duration, "duration"), (PositiveDuration, "duration > 0s"),
    (Durations, "duration > 0s, or list of them"), (TimeOfDay, "time of day"), (Zone, "time zone"),
    (MatcherText, "matcher"), (IntervalMapping, "times"), (SecretStr, "secret"), (str, "text"), (bool, "true, false"),
    (dict[str, LabelText], "mapping"),
    (dict[CountedFlow, CounterConfig], "selectors by flow"),
    (dict[str, Any], "times"), (Day, "day"), (float, "number"), (FiniteFloat, "number"), (int, "number"),
    (dict[str, str], "mapping"),
)  # fmt: skip


def _kind(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(hint))
    if get_origin(hint) is list:
        return f"list of {_kind(get_args(hint)[0])}s".replace("timess", "times").replace("time of days", "times of day")
    return next(word for known, word in _KINDS if known == hint)


def _default(key: str, info: FieldInfo, hint: Any) -> str:
    value = info.default
    if key.startswith("metrics."):
        value = getattr(SONNEN_METRICS, key.removeprefix("metrics."))
    if value is PydanticUndefined:
        return "**required**"
    if value is None or value in ([], {}, ""):
        return "none"
    if hint in (Duration, PositiveDuration):
        return _code(format_duration(value))
    if isinstance(value, list):
        return ", ".join(_code(one) for one in value)
    return _plain_default(value)


def _plain_default(value: Any) -> str:
    if isinstance(value, bool):
        return _code(str(value).lower())
    if isinstance(value, time):
        return _code(f"{value:%H:%M}")
    return _code(f"{value:g}" if isinstance(value, float) else value)


def _options_part() -> str:
    sections: dict[str, list[Row]] = {}
    for key, kind, default in options():
        head = re.split(r"[.\[]", key)[0]
        section = head if head != key else ""
        sections.setdefault(section, []).append((_code(key), kind, default, WORDS["options"][key]))
    parts = []
    for section, rows in sections.items():
        title = f"### {section}\n\n{WORDS['sections'][section]}\n" if section else "### Top level\n"
        parts.append(f"{title}\n{table(('key', 'kind', 'default', 'meaning'), rows)}")
    return "\n".join(parts)


# --- series ----------------------------------------------------------------------------------------------------------


def _exporter_settings_part() -> str:
    rows = [(_code(key), _code(EXPORTER_VARIABLES.get(key)), WORDS["exporter"][key]) for key in EXPORTER_KEYS]
    return table(("key", "environment", "meaning"), rows)


def _daemon_part() -> str:
    rows = ((_code(name), kind, labels, text) for name, kind, labels, text in daemon_series())
    return table(("series", "type", "labels", "meaning"), rows)


def _exporter_part() -> str:
    rows = ((_code(name), kind, labels, rust, text) for name, kind, labels, rust, text in exporter_series())
    return table(("series", "type", "labels", "Rust", "meaning"), rows)


# --- commands --------------------------------------------------------------------------------------------------------

PARSERS: Mapping[str, Callable[[], argparse.ArgumentParser]] = {
    "exporter": exporter_main._parser,
    "simulate": device._parser,
    "demo": demo_main._parser,
}


COMMON = ("config", "log_format", "debug")


def commands() -> Iterator[tuple[str, str, list[tuple[str, str, str]]]]:
    """(command with its arguments, help, options) of every command; an option is (names, default, help)."""
    group = cli.command_line
    context = click.Context(group, info_name="watchman")
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield from _parsed(name) if name in PARSERS else _clicked(name, command)


def _clicked(name: str, command: click.Command) -> Iterator[tuple[str, str, list[tuple[str, str, str]]]]:
    if isinstance(command, click.Group):
        for below, child in command.commands.items():
            yield from _clicked(f"{name} {below}", child)
        return
    arguments = [one.make_metavar(click.Context(command)) for one in command.params if isinstance(one, click.Argument)]
    found = [_option(one, command) for one in _own_options(command)]
    text = " ".join((command.help or "").split())
    example = f"\n\n{command.epilog}" if command.epilog else ""
    yield " ".join(["watchman", name, *arguments]), text + example, found


def _own_options(command: click.Command) -> list[click.Option]:
    return [one for one in command.params if isinstance(one, click.Option) and one.name not in COMMON]


def common_options() -> list[tuple[str, str, str]]:
    """The options that every command of the daemon has."""
    run = cli.command_line.get_command(click.Context(cli.command_line), "run")
    assert run is not None
    return [_option(one, run) for one in run.params if isinstance(one, click.Option) and one.name in COMMON]


def _option(option: click.Option, command: click.Command) -> tuple[str, str, str]:
    value = "" if option.is_flag else " " + option.make_metavar(click.Context(command))
    plain = None if option.is_flag or option.default in (None, ()) else option.default
    default = "**required**" if option.required else _code(plain) if isinstance(plain, str | int) else ""
    return ", ".join(option.opts) + value, default, option.help or ""


def _parsed(name: str) -> Iterator[tuple[str, str, list[tuple[str, str, str]]]]:
    parser = PARSERS[name]()
    positional = [f"[{one.dest.upper()}]" for one in parser._actions if not one.option_strings]
    found = []
    for one in parser._actions:
        if not one.option_strings or one.dest in ("help", "version"):
            continue
        value = "" if one.nargs == 0 else " " + (f"[{'|'.join(one.choices)}]" if one.choices else _metavar(one))
        default = "" if one.nargs == 0 or one.default in (None, "") else _code(one.default)
        found.append((", ".join(one.option_strings) + value, default, one.help or ""))
    yield " ".join(["watchman", name, *positional]), parser.description or "", found


def _metavar(action: argparse.Action) -> str:
    return str(action.metavar or action.dest.upper())


def _commands_part() -> str:
    parts = [_options_table(common_options())]
    parts += [f"## {usage}\n\n{text}\n{_options_table(found)}" for usage, text, found in commands()]
    return "\n".join(parts)


def _options_table(found: list[tuple[str, str, str]]) -> str:
    rows = [(_code(names), default, words) for names, default, words in found]
    return "\n" + table(("option", "default", "meaning"), rows) if rows else ""


# --- shipped rules ---------------------------------------------------------------------------------------------------


def shipped_rules() -> list[tuple[Group, Rule]]:
    """Every shipped rule with its group, in the order of the files."""
    texts = {f"rules/{file.name}": file.read_text(encoding="utf-8") for file in sorted((ROOT / "rules").glob("*.yaml"))}
    groups = load_rules(texts, Defaults(check_template=lambda _text, _name: None))
    return [(group, rule) for group in groups for rule in group.rules]


def _rules_part() -> str:
    head = ("rule", "file", "severity", "every", "`for`", "`keep_firing_for`", "annotations")
    return table(head, (_rule_row(group, rule) for group, rule in shipped_rules()))


def _rule_row(group: Group, rule: Rule) -> Row:
    known = ("news_after", "on_vanished", "on_error", "send_resolved")
    extra = ", ".join(f"`{name}: {rule.annotations[name]}`" for name in known if name in rule.annotations)
    wait, keep = (format_duration(seconds) if seconds else "" for seconds in (rule.for_s, rule.keep_firing_for_s))
    return rule.name, _code(group.file), rule.labels["severity"], format_duration(group.interval_s), wait, keep, extra


def _modes_part() -> str:
    return table(("who", *(_code(mode) for mode in modes.Mode)), modes.table())


def _figures_part() -> str:
    head = ("figure", "unit", "what it is", "source")
    return table(head, ((_code(one.name), one.unit, one.definition, one.source) for one in FIGURES))


PARTS: Mapping[str, Callable[[], str]] = {
    "figures": _figures_part,
    "options": _options_part,
    "daemon-series": _daemon_part,
    "exporter-settings": _exporter_settings_part,
    "exporter-series": _exporter_part,
    "commands": _commands_part,
    "rules": _rules_part,
    "modes": _modes_part,
}

if __name__ == "__main__":
    sys.exit(main())
