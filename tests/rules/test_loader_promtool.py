"""The loader and promtool agree on what is a rule file."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from expressions import ACCEPTED, NEWER, REFUSED
from servers import binary

from watchman.errors import ConfigError
from watchman.rules.loader import Defaults, load_rules
from watchman.rules.template import check_template

pytestmark = pytest.mark.integration

BAD = sorted((Path(__file__).parent / "bad").glob("*.yaml"))
# What promtool 2.42 cannot know or does otherwise.
OURS = {"extensions": "the annotations watchman acts on are only text to Prometheus"}
RULE = "groups: [{name: g, rules: [%s]}]"
GOOD = {
    "empty": "",
    "no groups": "groups:",
    "null group and rule": "groups: [null, {name: a, rules: [null]}]",
    "number as label": RULE % "{alert: A, expr: m, labels: {s: 1, b: true, n: null, f: 1.50}}",
    "label alertname": RULE % "{alert: A, expr: m, labels: {alertname: x}}",
    "range vector": RULE % "{alert: A, expr: 'm[5m]'}",
    "text as result": RULE % "{alert: A, expr: '\"x\"'}",
    "undefined template": RULE % "{alert: A, expr: m, annotations: {s: '{{ template \"q\" }}'}}",
    "any name": RULE % "{alert: 'é ü {{', expr: m}",
    "anchors": RULE % "{alert: A, expr: &e m, labels: &l {a: b}}, {alert: B, expr: *e, labels: {<<: *l, c: d}}",
    "zero for": RULE % "{alert: A, expr: m, for: 0, keep_firing_for: 0s}",
    "recording rule with zero for": RULE % "{record: a, expr: m, for: 0s, annotations: {}}",
    "recording rule": RULE % "{record: 'a:b', expr: m, labels: {x: '{{ $no }}'}}",
    "negative and cut limit": "groups: [{name: a, limit: -1}, {name: b, limit: 1.5}]",
    "second document": "groups: []\n---\nfoo: bar",
    "number as expression": RULE % "{alert: A, expr: 1}",
    "duration of every unit": RULE % "{alert: A, expr: m, for: 1y2w3d4h5m6s7ms}",
    "annotation __name__": RULE % "{alert: A, expr: m, annotations: {__name__: x}}",
}


def promtool_accepts(text: str, folder: Path) -> bool:
    file = folder / "rules.yaml"
    file.write_text(text)
    return check_rules(file, "--lint=none").returncode == 0


def check_rules(file: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [binary("promtool"), "check", "rules", *flags, str(file)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def loader_accepts(text: str) -> bool:
    try:
        load_rules({"rules.yaml": text}, Defaults(check_template=check_template))
    except ConfigError:
        return False
    return True


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_both_accept_a_good_file(text: str, tmp_path: Path) -> None:
    assert (loader_accepts(text), promtool_accepts(text, tmp_path)) == (True, True)


@pytest.mark.parametrize("file", BAD, ids=[file.stem for file in BAD])
def test_both_refuse_a_bad_file(file: Path, tmp_path: Path) -> None:
    expected = (False, file.stem in OURS)
    assert (loader_accepts(file.read_text()), promtool_accepts(file.read_text(), tmp_path)) == expected


def test_promtool_says_of_every_expression_what_the_table_says(tmp_path: Path) -> None:
    expressions = [*ACCEPTED, *REFUSED, *NEWER]
    file = tmp_path / "rules.yaml"
    rules = [{"record": f"r{number}", "expr": expr} for number, expr in enumerate(expressions)]
    file.write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
    done = check_rules(file)
    refused = {int(number) - 1 for number in re.findall(r'rule (\d+), "r\d+"', done.stdout + done.stderr)}
    assert [expr for number, expr in enumerate(expressions) if number not in refused] == ACCEPTED
