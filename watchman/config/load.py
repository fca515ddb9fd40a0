"""From the file to a Config, or to all of its faults."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from watchman.config.foreign import unknown_key
from watchman.config.model import ADDRESS_PATTERN, URL_PATTERN, Config
from watchman.config.names import Problem, check_fallbacks, check_names, check_route
from watchman.config.routing import to_inhibit_rule, to_route
from watchman.config.tariff import check_tariff
from watchman.config.templates import check_templates
from watchman.config.yamltree import Document, read_document
from watchman.config.yamltree import Path as KeyPath
from watchman.errors import ConfigError, Fault, UsageError

PATTERNS = {URL_PATTERN: "must begin with http:// or https://", ADDRESS_PATTERN: "must be HOST:PORT"}

MAX_FILE_BYTES = 4 * 1024 * 1024


def load_config(file: Path, environment: Mapping[str, str] | None = None) -> Config:
    """Read and check a config file. Raises ConfigError with every fault, UsageError if there is no such file."""
    try:
        text = _read(file)
    except FileNotFoundError as error:
        raise UsageError(f"no config file {file}; name one with --config") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UsageError(f"cannot read {file}: {reason}") from error
    document = read_document(text, str(file), os.environ if environment is None else environment)
    faults = list(document.faults)
    config = _validate(document, str(file), faults)
    if faults or config is None:
        raise ConfigError(sorted(set(faults), key=lambda fault: (fault.line, fault.column)))
    config._file = file
    config._places = document.places
    return config


def _read(file: Path) -> str:
    with file.open("rb") as stream:
        data = stream.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise UsageError(f"cannot read {file}: larger than {MAX_FILE_BYTES // 1024 // 1024} MiB")
    return data.decode("utf-8")


def _validate(document: Document, file: str, faults: list[Fault]) -> Config | None:
    if not isinstance(document.value, dict):
        if not faults:
            message = "holds no keys; the smallest config has prometheus, site, receivers and route"
            faults.append(Fault(file, 0, 0, message))
        return None
    try:
        config = Config.model_validate(document.value)
    except ValidationError as error:
        problems = [(_path(details), _say(details)) for details in error.errors(include_url=False)]
        faults.extend(_fault(document, file, path, message) for path, message in problems)
        return None
    faults.extend(_fault(document, file, path, message) for path, message in _cross_checks(config, Path(file).parent))
    return config


def _fault(document: Document, file: str, path: KeyPath, message: str) -> Fault:
    line, column = document.place(path)
    return Fault(file, line, column, f"{_dotted(path)}: {message}" if path else message)


def _path(details: ErrorDetails) -> KeyPath:
    return tuple(details["loc"])


def _dotted(path: KeyPath) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _say(details: ErrorDetails) -> str:
    """Pydantic's fault in the words of a person who edits YAML."""
    kind, message = details["type"], details["msg"]
    context: Mapping[str, Any] = details.get("ctx", {})
    sayings = {
        "missing": "is missing",
        "extra_forbidden": unknown_key(_path(details)),
        "string_type": "must be text; put it in quotes",
        "list_type": "must be a list",
        "too_short": "must not be empty",
        "bool_type": "must be true or false",
        "bool_parsing": "must be true or false",
        "int_parsing": "must be a whole number",
        "float_parsing": "must be a number",
        "literal_error": f"must be {context.get('expected', 'one of the known words')}",
        "model_type": "must be a mapping of keys and values",
        "dict_type": "must be a mapping of keys and values",
        "string_pattern_mismatch": PATTERNS.get(context.get("pattern", ""), "does not look right"),
    }
    return sayings.get(kind, message.removeprefix("Value error, "))


def _cross_checks(config: Config, folder: Path) -> Iterator[Problem]:
    yield from check_names(config)
    yield from check_fallbacks(config)
    yield from check_route(config, config.route, ("route",))
    yield from _check_old_matchers(config)
    yield from _check_web(config)
    yield from check_tariff(config.tariff, config.co2, folder, config.site.timezone)
    yield from check_templates(config, folder)
    if not config.metrics.roles():
        yield ("metrics",), "gives no role; leave it out for the Sonnen exporter's names"
    yield from _check_alertmanager(config)


def _check_alertmanager(config: Config) -> Iterator[Problem]:
    for index, url in enumerate(config.alertmanager.urls if config.alertmanager else ()):
        if not url.startswith(("http://", "https://")):
            yield ("alertmanager", "urls", index), "must begin with http:// or https://"
        elif _place(url) is None:
            yield ("alertmanager", "urls", index), "is no address; write it like http://alertmanager:9093"
        elif _place(url) in (_place(f"http://{config.web.listen}"), _place(config.web.external_url or "none")):
            yield ("alertmanager", "urls", index), "is watchman's own address; name the Alertmanager"


def _place(url: str) -> tuple[str, str] | None:
    """Host with port, and path, for telling whether two addresses are one; None for what is no address."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    place = parts.netloc.rpartition("@")[2].replace("localhost", "127.0.0.1")
    return (place, parts.path.rstrip("/")) if host else None


def _check_old_matchers(config: Config) -> Iterator[Problem]:
    try:
        to_route(config.route)
    except ValueError as error:
        yield ("route",), str(error)
    for index, rule in enumerate(config.inhibit_rules or []):
        try:
            to_inhibit_rule(rule)
        except ValueError as error:
            yield ("inhibit_rules", index), str(error)


def _check_web(config: Config) -> Iterator[Problem]:
    problem = listen_problem(config, config.web.listen)
    if problem:
        yield ("web", "listen"), problem
    if config.web.external_url is not None and not _is_base(config.web.external_url):
        yield (
            ("web", "external_url"),
            "cannot begin a link; write it like https://watchman.example.org, without ? and #",
        )


def _is_base(url: str) -> bool:
    """True if a path put behind the URL gives an address that a phone can open."""
    try:
        parts = urlsplit(url)
        # Reading it checks the port.
        _ = parts.port
    except ValueError:
        return False
    plain = not re.search(r"[\s<>\"\\^`{|}\x00-\x1f?#]", url)
    return bool(parts.hostname) and plain


def listen_problem(config: Config, listen: str) -> str:
    """Why this configuration must not listen on an address; empty if it may."""
    web = config.web
    host, _, port = listen.rpartition(":")
    if not host or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
        return f"{listen!r} is no HOST:PORT such as 127.0.0.1:9424"
    if web.auth is not None or web.allow_unauthenticated or _is_loopback(listen):
        return ""
    return (
        f"{listen} can be reached from other machines: set web.auth, or web.allow_unauthenticated: true"
        " if the network is private"
    )


def _is_loopback(listen: str) -> bool:
    host = listen.rpartition(":")[0].strip("[]")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
