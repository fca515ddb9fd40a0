"""What a new user reads is true: examples load, tables say what the code says, links lead somewhere."""

from __future__ import annotations

import re
import runpy
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from PIL import Image

from watchman import cli
from watchman.config import load_config
from watchman.config.model import Config
from watchman.notify.severity import group_wait_s, repeats_s
from watchman.rules import rule_node
from watchman.rules.builtin import BUILT_IN_GROUP
from watchman.rules.loader import Defaults, lint_rules, load_rules
from watchman.rules.template import check_template
from watchman.sonnen.settings import Options, load_settings

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import reference  # noqa: E402
import reference_series  # noqa: E402

README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))
DOCUMENTS = [README, *PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
SMALLEST = {
    "prometheus": {"url": "http://localhost:9090"},
    "site": {"name": "home", "timezone": "America/Los_Angeles"},
    "receivers": [{"name": "phone", "apprise": ["ntfy://localhost/home"]}],
    "route": {"receiver": "phone"},
}


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


def blocks(kind: str) -> list[Any]:
    found = [
        pytest.param(text, id=f"{name_of(file)}-{number}")
        for file in DOCUMENTS
        for number, (language, text) in enumerate(FENCED.findall(file.read_text()), start=1)
        if language == kind
    ]
    assert found, f"no document shows any {kind}"
    return found


def code_of(file: Path) -> str:
    """The shell blocks and the inline code of a document, one per line."""
    text = file.read_text()
    shell = "\n".join(block for language, block in FENCED.findall(text) if language == "sh")
    return "\n".join([shell.replace("\\\n", " "), *re.findall(r"`([^`\n]+)`", FENCED.sub("", text))])


def rows(file: Path, first: str) -> list[list[str]]:
    """The cells of the table in a document whose head begins with `first`."""
    lines = file.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first} |"))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


# --- examples --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", blocks("yaml"))
def test_every_yaml_example_is_a_config_a_rule_file_or_scrape_jobs(text: str, tmp_path: Path) -> None:
    known = {field.alias or name for name, field in Config.model_fields.items()}
    keys = set(yaml.safe_load(text))
    if keys <= known:
        missing = {key: value for key, value in SMALLEST.items() if key not in keys}
        file = tmp_path / "config.yaml"
        file.write_text(f"{text}\n{yaml.safe_dump(missing) if missing else ''}")
        assert load_config(file, {}).path == file
    elif keys == {"groups"}:
        defaults = Defaults(check_template=check_template)
        assert load_rules({"example.yaml": text}, defaults)
        assert lint_rules({"example.yaml": text}, defaults) == []
    else:
        jobs = yaml.safe_load(text)["scrape_configs"]
        assert [job["job_name"] for job in jobs if job["static_configs"][0]["targets"]]


@pytest.mark.parametrize("text", blocks("toml"))
def test_every_toml_example_is_a_config_of_the_exporter(text: str) -> None:
    assert tomllib.loads(text)["systems"]
    settings = load_settings(Options(config="config.toml", config_text=text), {}, lambda _path: "token")
    assert settings.warnings == ()


def test_the_smallest_config_of_the_documents_is_the_smallest_config(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    for left_out in SMALLEST:
        file.write_text(yaml.safe_dump({key: value for key, value in SMALLEST.items() if key != left_out}))
        with pytest.raises(Exception, match=f"{left_out}: is missing"):
            load_config(file, {})


# --- commands --------------------------------------------------------------------------------------------------------


def known_commands() -> dict[str, set[str]]:
    """Options by command, `outbox list` and so on included."""
    common = {name for names, _, _ in reference.common_options() for name in options_in(names)}
    known = {}
    for usage, _, found in reference.commands():
        words = [word for word in usage.split()[1:] if word.islower() and word.isalpha()]
        own = {name for names, _, _ in found for name in options_in(names)}
        known[" ".join(words)] = own | {"--help"} | (set() if words[0] in reference.PARSERS else common)
    return known


def options_in(text: str) -> list[str]:
    return re.findall(r"(?<!\S)--[a-z-]+", text)


def commands_in(file: Path) -> list[tuple[str, str]]:
    """(command, what follows it) for every call of watchman in a document: the longest command that its words name."""
    names = {*known_commands(), *groups()}
    found = []
    for words, rest in re.findall(
        r"(?:^|\s|bin/)watchman (?!watchman)([a-z]+(?: [a-z]+)*)([^\n;|]*)", code_of(file), re.MULTILINE
    ):
        first = words.split()
        heads = [" ".join(first[:count]) for count in range(len(first), 0, -1)]
        command = next((head for head in heads if head in names), first[0])
        found.append((command, words.removeprefix(command) + rest))
    return found


def groups() -> set[str]:
    """`outbox` and whatever else is no command by itself."""
    return {" ".join(name.split()[:count]) for name in known_commands() for count in range(1, len(name.split()))}


@pytest.mark.parametrize("file", DOCUMENTS, ids=name_of)
def test_every_command_and_option_in_a_document_exists(file: Path) -> None:
    known = known_commands()
    wrong = [
        f"watchman {command}{rest}"
        for command, rest in commands_in(file)
        if command not in {*known, *groups()} or not set(options_in(rest)) <= known.get(command, set())
    ]
    assert wrong == []


def test_every_command_is_described() -> None:
    described = re.findall(r"^## watchman ([a-z]+(?: [a-z]+)*)", (ROOT / "docs/commands.md").read_text(), re.M)
    assert set(described) == set(known_commands())
    assert {name.split()[0] for name in described} == set(cli.COMMANDS)


def test_every_option_of_a_command_says_what_it_does() -> None:
    found = [*reference.common_options()]
    context = click.Context(cli.command_line)
    for name in cli.COMMANDS:
        command = cli.command_line.get_command(context, name)
        if name not in reference.PARSERS:
            found += [option for _, _, options in reference._clicked(name, command) for option in options]
    assert [names for names, _, words in found if not words] == []


@pytest.mark.parametrize("file", DOCUMENTS, ids=name_of)
def test_every_target_of_make_in_a_document_exists(file: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    called = re.findall(r"(?:^|\s)make (?:-C \S+ )?([a-z-]+)", code_of(file), re.M)
    assert set(called) <= targets


# --- reference tables ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", [README, *PAGES], ids=name_of)
def test_the_reference_parts_are_as_the_code_is(file: Path) -> None:
    text = file.read_text()
    assert reference.filled(text) == text, "run .venv/bin/python scripts/reference.py"


def test_every_reference_part_stands_in_a_document() -> None:
    shown = [name for file in [README, *PAGES] for _, name, _ in reference.PART.findall(file.read_text())]
    assert sorted(shown) == sorted(reference.PARTS)


def test_every_option_has_a_line_and_every_line_an_option() -> None:
    assert list(reference.WORDS["options"]) == [key for key, _, _ in reference.options()]
    assert set(reference.WORDS["exporter"]) == set(reference.EXPORTER_KEYS)


def test_the_options_are_those_of_the_model() -> None:
    heads = {re.split(r"[.\[]", key)[0] for key, _, _ in reference.options()}
    assert heads == set(Config.model_json_schema()["properties"])


def literals(prefix: str, *patterns: str) -> set[str]:
    """Names of series written in the code."""
    files = [file for pattern in patterns for file in (ROOT / "watchman").glob(pattern)]
    names = {name for file in files for name in re.findall(rf'"({prefix}[a-z0-9_]+[a-z0-9])"', file.read_text())}
    assert names
    return names


def daemon_names() -> set[str]:
    return {name for name, *_ in reference_series.daemon_series()}


def exporter_names() -> set[str]:
    return {name for name, *_ in reference_series.exporter_series()}


def test_no_series_of_the_daemon_is_left_out() -> None:
    made = re.findall(r'make\.\w+\(\s*"(\w+)"', (ROOT / "watchman/metrics.py").read_text())
    registered = {f"watchman_{name}" for name in made}
    known = {name.removesuffix("_total") for name in daemon_names()}
    assert registered | literals("watchman_", "views.py", "metrics.py") <= known


def test_no_series_of_the_exporter_is_left_out() -> None:
    assert literals("sonnen_", "sonnen/collect*.py") <= exporter_names()


def test_every_series_the_shipped_rules_read_is_in_a_table() -> None:
    texts = "".join(file.read_text() for file in (ROOT / "rules").glob("*.yaml"))
    without_comments = re.sub(r"^ *#.*$", "", texts, flags=re.M)
    assert set(re.findall(r"\bwatchman_\w+", without_comments)) <= daemon_names()
    assert set(re.findall(r"\bsonnen_\w+", without_comments)) <= exporter_names()


@pytest.mark.parametrize("file", DOCUMENTS, ids=name_of)
def test_every_series_named_in_a_document_exists(file: Path) -> None:
    known = daemon_names() | exporter_names()
    named = re.findall(r"(?<![\w/])(?:watchman|sonnen)_[a-z0-9_]*[a-z0-9](?!\*|_\*|\w)", code_of(file))
    assert set(named) - {"watchman_data"} <= known


# --- rules and notifications -----------------------------------------------------------------------------------------


def test_the_table_of_rules_is_that_of_the_shipped_rules() -> None:
    shipped: dict[str, list[str]] = {}
    for _, rule in reference.shipped_rules():
        shipped.setdefault(rule.name, []).append(rule.labels["severity"])
    told = {row[0]: row[2].split(", ") for row in rows(README, "rule")}
    assert told == shipped


def test_every_rule_is_explained() -> None:
    names = {rule.name for _, rule in reference.shipped_rules()}
    explained = re.findall(r"^\*\*([\w, ]+)\.\*\*", (ROOT / "docs/rules.md").read_text(), re.M)
    assert {name for line in explained for name in line.split(", ")} == names


def test_the_built_in_rules_are_told() -> None:
    told = {row[0]: row[2] for row in rows(ROOT / "docs/rules.md", "rule | when | severity")}
    assert told == {rule.name: rule.labels["severity"] for rule in BUILT_IN_GROUP.rules}
    assert all(rule.name in README.read_text() for rule in BUILT_IN_GROUP.rules)


def test_the_annotations_are_those_the_loader_knows() -> None:
    told = {row[0]: row[1] for row in rows(ROOT / "docs/rules.md", "annotation")}
    for name, values in rule_node._CHOICES.items():
        assert re.findall(r"`(\w+)`", told[f"`{name}`"]) == list(values)
    assert {f"`{name}`" for name in ("news_after", "send_resolved")} <= set(told)


REPEATS = {
    (900.0, 3600.0, 14400.0): "15 min, 1 h, then every 4 h",
    (86400.0,): "once a day",
    (14400.0,): "every 4 h",
    (): "never",
}


@pytest.mark.parametrize("file", [README, ROOT / "docs/notifications.md"], ids=name_of)
def test_the_table_of_severities_is_what_notifications_do(file: Path) -> None:
    head = "severity" if file == README else "`severity`"
    for cell, wait, repeat, *_ in rows(file, head):
        severity = cell.strip("`")
        assert repeat.removesuffix(", as Alertmanager") == REPEATS[repeats_s(severity)], severity
        assert wait in ("in the digest only", f"{group_wait_s(severity):.0f} s"), severity


# --- the pages themselves --------------------------------------------------------------------------------------------


def test_the_readme_can_be_read_in_one_go() -> None:
    assert len(README.read_text().splitlines()) <= 250


def links(file: Path) -> list[str]:
    text = FENCED.sub("", file.read_text())
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    return [link for link in found if not link.startswith(("http://", "https://"))]


def anchors(file: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", FENCED.sub("", file.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("file", DOCUMENTS, ids=name_of)
def test_every_link_leads_somewhere(file: Path) -> None:
    broken = []
    for link in links(file):
        path, _, anchor = link.partition("#")
        target = (file.parent / path).resolve() if path else file
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("file", PAGES, ids=name_of)
def test_a_page_of_the_site_links_to_pages_of_the_site(file: Path) -> None:
    assert [link for link in links(file) if link.startswith("..")] == []


def test_every_page_is_in_the_navigation() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    listed = [entry if isinstance(entry, str) else next(iter(entry.values())) for entry in nav]
    assert sorted(listed) == [file.name for file in PAGES]


@pytest.mark.parametrize(("name", "width"), [("digest.png", 1200), ("page.png", 1280)])
def test_a_picture_is_sharp_and_small(name: str, width: int) -> None:
    file = ROOT / "docs" / "images" / name
    with Image.open(file) as picture:
        assert picture.width == width
    assert file.stat().st_size < 200_000


# Folders that every machine has, and paths of HTTP; a path of one person's machine is in none of them.
USUAL_ROOTS = {
    "etc",
    "opt",
    "run",
    "var",
    "dev",
    "data",
    "tmp",
    "api",
    "webhook",
    "alertmanager",
    "-",
    "metrics",
    "rest",
}


@pytest.mark.parametrize("file", DOCUMENTS, ids=name_of)
def test_no_path_of_somebodys_own_machine_is_named(file: Path) -> None:
    text = re.sub(r"\w+://\S+", "", file.read_text())
    assert set(re.findall(r"(?<![\w.~)}>*/-])/([\w-]+)/", text)) <= USUAL_ROOTS


def test_the_changelog_has_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in text
    assert set(re.findall(r"^### (.+)$", text, re.M)) <= {
        "Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"
    }  # fmt: skip


def test_the_picture_of_the_layers_is_the_one_the_code_is_held_to() -> None:
    layers = runpy.run_path(str(ROOT / "tests" / "test_architecture.py"))["LAYERS"]
    texts = [text for kind, text in FENCED.findall((ROOT / "docs/architecture.md").read_text()) if kind == "text"]
    drawn = dict(re.findall(r"^ (\d) (.*(?:\n {2,}.*)*)", texts[0], re.M))
    for layer, names in layers.items():
        words = set(re.findall(r"\w+", drawn[str(layer)]))
        existing = {name.split(".")[0] for name in names if exists(name)}
        assert existing - words == set(), f"layer {layer}"


def exists(module: str) -> bool:
    path = ROOT / "watchman" / module.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()
