"""Options that every command has."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from watchman.logs import set_up_logging

F = TypeVar("F", bound=Callable[..., Any])


def common_options(function: F) -> F:
    """`--config`, `--log-format` and `--debug`; sets up the log and hands the config's path on."""

    @click.option("--config", "config", default="config.yaml", show_default=True, type=click.Path(path_type=Path),
                  help="The config file.")  # fmt: skip
    @click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True,
                  help="Log lines for people or for machines.")  # fmt: skip
    @click.option("--debug", is_flag=True, help="Log more, and show tracebacks.")
    @wraps(function)
    def wrapped(*args: Any, log_format: str, debug: bool, **kwargs: Any) -> Any:
        set_up_logging(log_format, debug=debug)
        return function(*args, **kwargs)

    return wrapped  # type: ignore[return-value]
