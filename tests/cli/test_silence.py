"""`watchman silence` on watchman's own state, and on a real Alertmanager."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from watchman.cli import command_line
from watchman.errors import UsageError, WatchmanError

CONFIG = """\
prometheus: {url: http://127.0.0.1:9}
site: {name: home, timezone: Europe/Berlin}
receivers: [{name: phone, apprise: []}]
route: {receiver: phone}
"""


class Shell:
    def __init__(self, folder: Path, more: str = "") -> None:
        self.config = folder / "config.yaml"
        self.config.write_text(CONFIG + more)

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(command_line, ["silence", *arguments, "--config", str(self.config)])

    def ok(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert result.exit_code == 0, result.exception or result.output
        return result.output.strip()


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.delenv("WATCHMAN_DATA", raising=False)
    return Shell(tmp_path)


def test_a_silence_is_made_listed_and_ended(shell: Shell) -> None:
    assert shell.ok("list") == "nothing is silenced"
    made = shell.ok("add", "GridDown", "host=~h.*", "-d", "2h", "-c", "works on the grid", "-a", "me")
    (listed,) = json.loads(shell.ok("list", "--json"))
    assert (listed["id"], listed["status"], listed["comment"], listed["createdBy"]) == (
        made,
        {"state": "active"},
        "works on the grid",
        "me",
    )
    assert [(one["name"], one["value"], one["isRegex"]) for one in listed["matchers"]] == [
        ("alertname", "GridDown", False),
        ("host", "h.*", True),
    ]
    assert '{alertname="GridDown",host=~"h.*"}  me: works on the grid' in shell.ok("list")
    assert shell.ok("expire", made) == ""
    assert shell.ok("list") == "nothing is silenced"
    assert "expired" in shell.ok("list", "--expired")


def test_an_end_may_be_said_in_words(shell: Shell) -> None:
    answer = json.loads(shell.ok("add", "alertname=Hot", "--until", "tomorrow", "--json"))
    (listed,) = json.loads(shell.ok("list", "--json"))
    assert listed["id"] == answer["silenceID"]
    ahead = shell.ok("add", "alertname=Hot", "--start", "2h", "-d", "30m")
    states = {one["id"]: one["status"]["state"] for one in json.loads(shell.ok("list", "--json"))}
    assert states[ahead] == "pending"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "a=b", "host"], 'no matcher: "host"'),
        (["add", "a=~("], "not a regular expression"),
        (["add", "a=b", "-d", "soon"], "--duration: not a valid duration"),
        (["add", "a=b", "--until", "soon"], 'not a time: "soon"'),
        (["add", "a=b", "-d", "1h", "--until", "tomorrow"], "not both"),
    ],
)
def test_what_cannot_be_read_is_wrong_usage(shell: Shell, arguments: list[str], words: str) -> None:
    error = shell.run(*arguments).exception
    assert isinstance(error, UsageError)
    assert words in str(error)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "a="], "must not match the empty string"),
        (["add", "a=b", "--until", "2020-01-01"], "start time must be before end time"),
        (["expire", "nope"], "nope: silence not found"),
    ],
)
def test_what_cannot_be_done_fails(shell: Shell, arguments: list[str], words: str) -> None:
    error = shell.run(*arguments).exception
    assert isinstance(error, WatchmanError)
    assert not isinstance(error, UsageError)
    assert words in str(error)


@pytest.mark.integration
def test_beside_an_alertmanager_the_silences_are_its(tmp_path: Path, alertmanager) -> None:
    shell = Shell(tmp_path, f"alertmanager: {{urls: ['http://127.0.0.1:9', '{alertmanager.url}']}}\n")
    made = shell.ok("add", "BesideTest", "-c", "here", "-a", "me")
    listed = {one["id"]: one for one in json.loads(shell.ok("list", "--json"))}
    assert listed[made]["comment"] == "here"
    shell.ok("expire", made)
    assert made not in shell.ok("list")
    assert shell.ok("add", "BesideTest", "--own") not in shell.ok("list", "--json")
    assert len(json.loads(shell.ok("list", "--own", "--json"))) == 1
    refused = shell.run("expire", "nope").exception
    assert isinstance(refused, WatchmanError)
    away = Shell(tmp_path, "alertmanager: {urls: ['http://127.0.0.1:9']}\n")
    assert "cannot be reached" in str(away.run("list").exception)
