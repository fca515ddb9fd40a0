"""Log lines: one per event, however odd and long what is told."""

import json
import logging

import pytest

from watchman.logs import set_up_logging


@pytest.fixture
def say(capsys):
    """`say(format, text)`: the line a text becomes."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def say(log_format, text):
        set_up_logging(log_format)
        logging.getLogger("watchman.test").info("%s", text)
        return capsys.readouterr().err

    yield say
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_label_cannot_forge_a_line(say):
    line = say("text", "a\r\n2026-01-01T00:00:00Z error forged\x1b[31m\u202e\ud800")
    assert line.count("\n") == 1
    assert line.rstrip("\n").isprintable()


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_line_has_an_end(say, log_format):
    line = say(log_format, "z" * 3_000_000)
    assert len(line) < 4200
    assert "zzz... (3000000 characters)" in line


def test_a_json_line_is_an_object_of_its_own(say):
    entry = json.loads(say("json", 'a\n"b'))
    assert (entry["level"], entry["logger"], entry["msg"]) == ("info", "watchman.test", 'a\n"b')
