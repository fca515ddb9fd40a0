"""Text for text what the real Prometheus gives: hundreds of templates, and others made at random.

Differences that are meant are left out: integers in a range and `else with` (newer than promtool 2.42), functions newer
than it, negative durations, complex constants, limits, and `externalURL`, which fails in a unit test of promtool.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from promtool_templates import expansions_by_promtool, faults_by_promtool
from template_helpers import ANSWERS, EVALUATED_AT, LABELS, NAME, VALUE, query
from template_maker import make_templates

from watchman.rules.template import check_template, make_expander

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.integration

MADE_PER_SEED = 250
SEEDS = [int(seed) for seed in os.environ.get("TEMPLATE_SEEDS", "1 2 3").split()]

_QUERIES = re.compile(r'query "([^"]*)"')
# Newer versions of Go show an assignment as what it is.
_ASSIGNS = re.compile(r"<(\$\w+) = ")


def _written() -> list[str]:
    text = Path(__file__).with_name("templates.txt").read_text()
    lines = (line.replace("⏎", "\n").replace("␍", "\r").replace("⇥", "\t") for line in text.split("\n") if line)
    return list(dict.fromkeys(lines))


def _asks_what_is_known(text: str) -> bool:
    """A template may be broken anywhere, also inside the query it asks, which only promtool could answer."""
    return all(expression in ANSWERS for expression in _QUERIES.findall(text))


def _compare(texts: Sequence[str], directory: Path) -> None:
    """All faults first, for promtool tests only files without any; then what the rest expands to."""
    ours = {text: check_template(text, NAME) for text in texts}
    refused = {text: fault for text, fault in ours.items() if fault is not None}
    assert faults_by_promtool(texts, directory / "faults") == refused
    accepted = [text for text in texts if text not in refused]
    theirs = expansions_by_promtool(accepted, directory / "texts")
    expander = make_expander(query, {}, "")
    expanded = {text: expander(text, LABELS, VALUE, EVALUATED_AT, name=NAME) for text in accepted}
    shown = {text: _comparable(result) for text, result in expanded.items() if result}
    assert shown == {text: _comparable(result) for text, result in theirs.items() if result}


def _comparable(result: str) -> str:
    return _ASSIGNS.sub(r"<\1 := ", result)


def test_written_templates_read_as_in_prometheus(tmp_path: Path) -> None:
    texts = _written()

    assert len(texts) > 400
    _compare(texts, tmp_path)


@pytest.mark.parametrize("seed", SEEDS)
def test_made_templates_read_as_in_prometheus(seed: int, tmp_path: Path) -> None:
    made = dict.fromkeys(make_templates(seed, MADE_PER_SEED))
    _compare([text for text in made if _asks_what_is_known(text)], tmp_path)
