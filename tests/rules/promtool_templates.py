"""What the real promtool makes of templates: each becomes an annotation of one alert."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

from watchman.rules.template.literals import unquote

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SERIES = [
    {"series": 'm{instance="host:9100",job="j"}', "values": "20"},
    {"series": 'other{instance="a"}', "values": "1.5"},
    {"series": 'other{instance="b"}', "values": "2"},
]
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_NOT_UTF8 = re.compile("[\udc80-\udcff]")


def faults_by_promtool(texts: Sequence[str], directory: Path) -> dict[str, str]:
    """What `promtool check rules` refuses, and why; texts it reads are not in it."""
    _write_rules(texts, directory)
    output = _promtool(directory, "check", "rules", "rules.yaml")
    found = re.findall(r'a(\d{5})": (template: .*)', output)
    return {texts[int(number)]: message for number, message in found}


def expansions_by_promtool(texts: Sequence[str], directory: Path) -> dict[str, str]:
    """What the annotations read, from the complaint of a unit test that expects none. Empty texts are not in it."""
    _write_rules(texts, directory)
    alert = {"eval_time": "0m", "alertname": "A", "exp_alerts": []}
    test = {"interval": "1m", "input_series": SERIES, "alert_rule_test": [alert]}
    (directory / "test.yaml").write_text(json.dumps({"rule_files": ["rules.yaml"], "tests": [test]}))
    output = _promtool(directory, "test", "rules", "test.yaml")
    assert "got:[" in output, output[:2000]
    annotations = output.split("Annotations:{", 1)[1]
    found = re.findall(r"a(\d{5})=" + _QUOTED, annotations)
    return {texts[int(number)]: _NOT_UTF8.sub("\ufffd", unquote(f'"{text}"')) for number, text in found}


def _write_rules(texts: Sequence[str], directory: Path) -> None:
    annotations = {f"a{number:05d}": text for number, text in enumerate(texts)}
    rule = {"alert": "A", "expr": "m", "annotations": annotations}
    directory.mkdir(exist_ok=True)
    (directory / "rules.yaml").write_text(json.dumps({"groups": [{"name": "g", "rules": [rule]}]}))


def _promtool(directory: Path, *arguments: str) -> str:
    run = subprocess.run(
        ["promtool", *arguments], cwd=directory, capture_output=True, text=True, timeout=60, check=False
    )
    return run.stdout + run.stderr
