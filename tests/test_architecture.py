"""The picture of the code: who may import whom, how long things may be. docs/architecture.md draws it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "watchman"

# Layer by module or package, longest match first. Arrows go down only.
LAYERS = {
    0: ["errors", "series", "localtime", "durations", "modes", "rules.rule", "rules.alert", "notify.message"],
    1: ["rules", "notify", "energy", "report", "solar", "replay", "sonnen"],
    2: [
        "config",
        "clock",
        "scheduler",
        "store",
        "metrics",
        "prometheus",
        "alertmanager",
        "web",
        "logs",
        "rulefiles",
        "book",
        "notify.sender",
        "notify.apprise_port",
        "notify.mail",
        "notify.ntfy",
        "notify.listen",
        "notify.queue",
        "sonnen.bounded",
        "sonnen.logs",
        "sonnen.pages",
        "sonnen.client",
        "sonnen.poller",
        "sonnen.exporter",
        "sonnen.energy_book",
        "sonnen.discover",
        "sonnen.probe",
        "sonnen.device",
        "sonnen.__main__",
    ],
    3: [
        "app",
        "jobs",
        "worker",
        "worker_process",
        "chart_process",
        "demo",
        "context",
        "wiring",
        "views",
        "posting",
        "once",
        "checks",
        "ports",
        "prices",
        "previewing",
        "actions",
        "silencing",
        "pasts",
        "quieter",
        "companion",
        "replaying",
    ],
    4: ["cli", "__main__"],
}
HEAVY = ("pandas", "numpy", "matplotlib", "pvlib", "scipy")
HEAVY_ALLOWED = (
    *(f"watchman.energy.{name}" for name in ("counters", "curve", "flows", "frozen", "integrate", "ledger", "tracks")),
    "watchman.prometheus.arrays",
    "watchman.report",
    "watchman.worker",
    "watchman.solar",
)
PURE_FORBIDDEN = (
    "os",
    "socket",
    "time",
    "subprocess",
    "logging",
    "requests",
    "urllib.request",
    "threading",
    "sqlalchemy",
)


def modules():
    return sorted(path for path in SOURCE.rglob("*.py") if path.name != "__init__.py" or path.stat().st_size)


def dotted(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(name):
    short = name.removeprefix("watchman.").removeprefix("watchman")
    best = max(
        (
            (len(prefix), layer)
            for layer, prefixes in LAYERS.items()
            for prefix in prefixes
            if short == prefix or short.startswith(f"{prefix}.")
        ),
        default=None,
    )
    return None if best is None else best[1]


def imports(path, *, top_level_only=False):
    """Dotted names a module imports; those under TYPE_CHECKING count too: a type is a dependency."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if is_module(node.module, alias.name))


def is_module(package, name):
    base = ROOT.joinpath(*package.split("."))
    return (base / f"{name}.py").exists() or (base / name / "__init__.py").exists()


def functions(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_imports_go_down_only(path):
    name = dotted(path)
    own = layer_of(name)
    assert own is not None or name == "watchman", f"{name} has no layer: place it in the picture"
    for target in imports(path):
        if not target.startswith("watchman.") or own is None:
            continue
        layer = layer_of(target)
        assert layer is not None, f"{name} imports {target}, which has no layer"
        same_package = target.split(".")[1] == name.split(".")[1]
        assert layer < own or same_package or (layer == own == 1 and sideways(name, target)) or layer == own > 1, (
            f"{name} (layer {own}) imports {target} (layer {layer})"
        )


def sideways(name, target):
    """Within the pure layer a report may read energies, and a replay runs rules and notifications; nothing else."""
    if name.startswith("watchman.replay"):
        return target.startswith(("watchman.rules", "watchman.notify"))
    return name.startswith("watchman.report") and target.startswith("watchman.energy")


@pytest.mark.parametrize("path", [p for p in modules() if layer_of(dotted(p)) == 1], ids=dotted)
def test_pure_modules_do_no_input_or_output(path):
    forbidden = [name for name in imports(path) if name in PURE_FORBIDDEN or name.split(".")[0] in PURE_FORBIDDEN]
    calls = [
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func)
        in ("open", "print", "input", "time.time", "datetime.now", "date.today", "datetime.utcnow")
    ]
    assert forbidden + calls == []


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_heavy_libraries_stay_in_the_worker(path):
    if dotted(path).startswith(HEAVY_ALLOWED):
        return
    assert [name for name in imports(path) if name.split(".")[0] in HEAVY] == []


@pytest.mark.parametrize("path", [p for p in modules() if dotted(p).startswith("watchman.sonnen")], ids=dotted)
def test_the_sidecar_stands_alone(path):
    foreign = [
        name
        for name in imports(path)
        if name.startswith("watchman.") and not name.startswith(("watchman.sonnen", "watchman.errors"))
    ]
    assert foreign == []


def test_only_the_composition_roots_read_the_clock():
    readers = [
        dotted(path)
        for path in modules()
        if layer_of(dotted(path)) in (0, 1) and {"time", "watchman.clock"} & set(imports(path))
    ]
    assert readers == []


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_modules_and_functions_stay_short(path):
    lines = len(path.read_text().splitlines())
    assert lines <= 400, f"{lines} lines: split along a noun"
    long = {node.name: node.end_lineno - node.lineno + 1 for node in functions(path)}
    assert {name: length for name, length in long.items() if length > 60} == {}


def test_most_functions_are_short():
    lengths = sorted(node.end_lineno - node.lineno + 1 for path in modules() for node in functions(path))
    assert lengths[len(lengths) // 2] <= 10
    assert lengths[len(lengths) * 9 // 10] <= 30


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text())), f"{dotted(path)} has no docstring"


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_nothing_is_left_unfinished(path):
    marks = [mark for mark in ("TODO", "FIXME", "XXX", "NotImplementedError") if mark in path.read_text()]
    assert marks == []
