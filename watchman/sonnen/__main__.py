"""`python -m watchman.sonnen [config.toml]`: the Sonnen exporter by itself."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from watchman import __version__
from watchman.errors import UsageError, WatchmanError
from watchman.sonnen import settings as exporter_settings
from watchman.sonnen.exporter import run
from watchman.sonnen.logs import FORMATS, start_logging
from watchman.sonnen.settings import Options, Settings, load_settings


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see --help")


def main(argv: list[str] | None = None) -> int:
    """Serve until told to end; `argv` is given by `watchman exporter`, else the process's own is taken.

    0 fine, 1 the work failed, 2 wrong usage; errors are one line on stderr.
    """
    words = sys.argv[1:] if argv is None else argv
    name = "python -m watchman.sonnen" if argv is None else "watchman exporter"
    try:
        if words[:1] == ["discover"]:
            return _discover(words[1:], name)
        args = _parser(name).parse_args(words)
        settings = _settings(args)
        start_logging(args.log_format, debug=args.debug)
        run(settings)
    except WatchmanError as error:
        sys.stderr.write(f"sonnen exporter: {error}\n")
        return 2 if isinstance(error, UsageError) else 1
    return 0


def _discover(words: list[str], name: str) -> int:
    """Print what is found as tables for config.toml; 1 if that is nothing."""
    from watchman.sonnen.discover import as_config, search

    parser = _Parser(prog=f"{name} discover", description="Look for Sonnen batteries in networks.")
    parser.add_argument(
        "--subnet",
        action="append",
        required=True,
        metavar="NETWORK",
        help="such as 192.168.1.0/24; may be given several times",
    )
    parser.add_argument(
        "--port", action="append", default=[], type=int, help="may be given several times; default: 80, 8080 and 7979"
    )
    args = parser.parse_args(words)
    if wrong := [port for port in args.port if not 0 < port < 65536]:
        raise UsageError(f"--port {wrong[0]} is not a port; give 1 to 65535")
    try:
        found = search(args.subnet, args.port)
    except ValueError as error:
        raise UsageError(f"--subnet {error}") from error
    if not found:
        raise WatchmanError(f"no battery answers in {', '.join(args.subnet)}; is it on, and in this network?")
    sys.stdout.write(as_config(found))
    return 0


def _parser(name: str = "watchman exporter") -> _Parser:
    parser = _Parser(
        prog=name,
        description="Prometheus exporter for Sonnen batteries.",
        epilog=f"{exporter_settings.__doc__}\ndiscover --subnet NETWORK looks for batteries; see discover --help.\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config_file", nargs="?", default="", help="config.toml, as the Rust exporter takes it")
    parser.add_argument("--config", default="", help="the same as a flag")
    parser.add_argument("--listen", default="", metavar="HOST:PORT", help="default: port 9422 on all addresses")
    parser.add_argument("--url", default="", help="the battery, for example http://192.168.1.50")
    parser.add_argument("--token", default="", help="JSON API token; better in SONNEN_TOKEN_FILE or the config file")
    parser.add_argument("--log-format", choices=FORMATS, default="text", help="lines of the log; default: text")
    parser.add_argument("--debug", action="store_true", help="log every request that fails")
    parser.add_argument("--version", action="version", version=f"watchman {__version__}")
    return parser


def _settings(args: argparse.Namespace) -> Settings:
    if args.config and args.config_file and args.config != args.config_file:
        raise UsageError("two config files are given; give one")
    path = args.config or args.config_file
    text = _read_config(path) if path else ""
    folder = Path(path).parent
    return load_settings(
        Options(path, text, args.listen, args.url, args.token),
        os.environ,
        # A path in the file is meant from where the file is.
        lambda name: (folder / name).read_text(encoding="utf-8"),
    )


def _read_config(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise WatchmanError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise WatchmanError(f"cannot read {path}: it is not UTF-8 text") from error


if __name__ == "__main__":
    sys.exit(main())
