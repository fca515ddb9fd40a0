"""The command line with wrong arguments and faults nobody foresaw: exit code, one line, no traceback."""

import sys

import pytest

from watchman import cli
from watchman.errors import WatchmanError
from watchman.web.server import WebServer


@pytest.fixture
def call(monkeypatch, capsys):
    """`call(*arguments)`: exit code, stdout and stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["watchman", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capsys.readouterr()

    return call


@pytest.fixture
def broken(monkeypatch):
    """A command that fails in a way nobody foresaw."""

    def schema(**_options):
        raise ValueError("with a secret in it")

    monkeypatch.setattr("watchman.config.model.Config.model_json_schema", schema)


def test_a_fault_nobody_foresaw_is_one_line_without_its_text(call, broken):
    assert call("schema") == (1, "", "watchman: a fault in watchman itself (ValueError); --debug shows where\n")


def test_debug_shows_where_a_fault_is(monkeypatch, broken):
    monkeypatch.setattr(sys, "argv", ["watchman", "schema", "--debug"])
    with pytest.raises(ValueError, match="with a secret in it"):
        cli.main()


@pytest.mark.parametrize(
    "arguments",
    [
        ["nope"],
        ["run", "--nope"],
        ["report"],
        ["report", "week"],
        ["notify", "text"],
        ["outbox", "list", "--limit", "0"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_leaves_stdout_alone(call, arguments):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err


def test_a_missing_config_is_one_line(call, tmp_path):
    code, out, err = call("check", "--config", str(tmp_path / "none.yaml"))
    assert (code, out, err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("listen", ["300.1.1.1:80", "no.such.host.invalid:80"])
def test_an_address_that_is_not_ours_is_one_sentence(listen):
    with pytest.raises(WatchmanError, match=r"cannot listen on .*; choose another web.listen"):
        WebServer(None, listen)
