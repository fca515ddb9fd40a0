"""The command line. Commands are imported when they are called, so that each starts as fast as it can."""

from __future__ import annotations

import importlib
import os
import sys

import click

from watchman import __version__
from watchman.errors import UsageError, WatchmanError

COMMANDS = {
    "run": ("run", "Watch the home: the daemon."),
    "check": ("check", "Check config and rule files; tell every fault with its place."),
    "rules": ("rules", "Evaluate every rule once, now."),
    "replay": ("replay", "Try the rules on the past: when they would have fired, who would have been told."),
    "report": ("report", "Make a digest of the period that contains a date."),
    "energy": ("energy", "The energy ledger: show, export, meter readings."),
    "notify": ("notify", "Send a test message and tell what each service answered."),
    "outbox": ("outbox", "Was it sent? List, log, retry or drop messages."),
    "alerts": ("alerts", "What has alerted, who was told, and who alerts most."),
    "silence": ("silence", "Keep alerts quiet for a while: add, list, expire."),
    "away": ("away", "Say that nobody is at home, or that somebody is again."),
    "backup": ("backup", "Copy the whole state into one file."),
    "schema": ("schema", "Print the JSON schema of config.yaml."),
    "exporter": ("sidecar", "Export a Sonnen battery's values for Prometheus."),
    "simulate": ("sidecar", "Answer like a Sonnen battery, for tries and tests."),
    "demo": ("demo", "A whole home on this machine: battery, Prometheus, alert, mail."),
}


class _LateGroup(click.Group):
    """Knows every command's name and help, and imports one when it is called."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"watchman.cli.{COMMANDS[name][0]}")
        command: click.Command = getattr(module, name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_LateGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="watchman")
def command_line() -> None:
    """Alerting and energy reports for a home with solar panels and a battery.

    \b
    Begin with:
      watchman demo                            see it work, with everything simulated
      watchman check --config config.yaml      is my config right?
      watchman run --config config.yaml        watch
    """


def main() -> None:
    """Run a command; ends the process with 0 fine, 1 the work failed, 2 wrong usage."""
    try:
        # Called like this, click hands back the exit code of a command that chose one.
        sys.exit(command_line.main(standalone_mode=False) or 0)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except UsageError as error:
        _fail(error, 2)
    except WatchmanError as error:
        _fail(error, 1)
    except BrokenPipeError:
        # The reader (head, less) has gone. Closing stdout for good keeps the interpreter from trying again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        # The text of a fault nobody foresaw may hold anything, so only its kind is told.
        _fail(WatchmanError(f"a fault in watchman itself ({type(error).__name__}); --debug shows where"), 1, error)


def _fail(error: WatchmanError, code: int, cause: Exception | None = None) -> None:
    if "--debug" in sys.argv:
        raise cause or error
    click.echo(f"watchman: {error}", err=True)
    sys.exit(code)
