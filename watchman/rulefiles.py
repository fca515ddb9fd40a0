"""Finding and reading rule files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from watchman.errors import ConfigError, Fault

MAX_FILE_BYTES = 4 * 1024 * 1024


def shipped_folder() -> Path:
    """The folder of the shipped rules: of the checkout, or where the package was installed."""
    candidates = (Path(__file__).parent.parent / "rules", Path(sys.prefix) / "share" / "watchman" / "rules")
    for folder in candidates:
        if (folder / "battery.yaml").is_file():
            return folder
    looked = " and ".join(str(folder) for folder in candidates)
    message = f"the shipped rules are not installed (looked in {looked}); set rule_files"
    raise ConfigError([Fault("rules", 0, 0, message)])


def read_rule_files(patterns: Sequence[str] | None, folder: Path, config_file: Path) -> dict[str, str]:
    """The texts of all rule files by the name shown to people; None means the shipped rules.

    Patterns are relative to `folder`. Raises ConfigError for a pattern without a match and a file that cannot be read.
    """
    if patterns is None:
        return {f"rules/{path.name}": _read(path) for path in sorted(shipped_folder().glob("*.yaml"))}
    texts: dict[str, str] = {}
    faults = []
    for pattern in patterns:
        paths = _matches(pattern, folder)
        if not paths:
            faults.append(Fault(str(config_file), 0, 0, f'rule_files: no file matches "{pattern}"'))
        for path in paths:
            try:
                texts[str(path)] = _read(path)
            except ConfigError as error:
                faults.extend(error.faults)
    if faults:
        raise ConfigError(faults)
    return texts


def _matches(pattern: str, folder: Path) -> list[Path]:
    path = Path(pattern)
    if path.is_absolute():
        folder, pattern = Path(path.anchor), str(path.relative_to(path.anchor))
    try:
        return sorted(found for found in folder.glob(pattern) if found.is_file())
    except (ValueError, IndexError, RuntimeError):
        # What is no pattern at all, such as "." or "a**b".
        return []


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
        if len(data) > MAX_FILE_BYTES:
            raise ConfigError([Fault(str(path), 0, 0, f"is larger than {MAX_FILE_BYTES // 1024 // 1024} MiB")])
        return data.decode("utf-8")
    except OSError as error:
        raise ConfigError([Fault(str(path), 0, 0, f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Fault(str(path), 0, 0, "is not UTF-8 text")]) from error
