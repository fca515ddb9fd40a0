"""A Prometheus made of a table, and replays over it."""

from __future__ import annotations

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from watchman.book import as_active
from watchman.errors import QueryError
from watchman.notify.plan import Receiver, Routing
from watchman.notify.render import make_renderer
from watchman.notify.route import Route, build_tree
from watchman.replay import Ports, Setting, replay
from watchman.replay.grid import grid_of
from watchman.rules.rule import Group, Rule
from watchman.rules.template import make_expander
from watchman.series import Answer, Sample, label_key

BERLIN = ZoneInfo("Europe/Berlin")
START = 1_700_000_000.0
INTERVAL_S = 60.0


@dataclass
class Table:
    """Expression -> slot number -> answer: {labels as text: value}, or an error. Counts what was asked."""

    group: Group
    rows: dict[str, list[dict[str, float] | QueryError | Answer]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    start: float = START

    def time(self, number):
        return round(grid_of(self.group, self.start, self.start + 1e7).at(number), 3)

    def number(self, ts):
        return round((ts + self.group.query_offset_s - self.time(0)) / self.group.interval_s)

    def row(self, expr, number):
        rows = self.rows.get(expr, [])
        return rows[number] if 0 <= number < len(rows) else {}

    def query(self, expr, ts):
        self.asked.append(("instant", expr))
        row = self.row(expr, self.number(ts))
        if isinstance(row, QueryError):
            raise row
        if isinstance(row, Answer):
            return row
        return Answer("vector", [Sample(labels_of(name), value) for name, value in sorted(row.items())])

    def range_query(self, expr, start, end, step_s):
        self.asked.append(("range", expr))
        found = {}
        first, last = self.number(start), self.number(end)
        assert last - first < 11_000
        for number in range(first, last + 1):
            row = self.row(expr, number)
            if isinstance(row, QueryError):
                raise row
            if isinstance(row, Answer):
                if row.kind not in ("vector", "scalar"):
                    raise QueryError(f'says: invalid expression type "{row.kind}" for range query', "bad_query")
                row = {name_of(sample.labels): sample.value for sample in row.samples}
            for name, value in row.items():
                pairs = found.setdefault(label_key(labels_of(name)), (labels_of(name), []))[1]
                pairs.append([round(start + (number - first) * step_s, 3), repr(value)])
        return [found[key] for key in sorted(found)]


def labels_of(name):
    """`a=1,b=2`, or `a` for {i="a"}; empty for no labels."""
    if not name:
        return {}
    return dict(part.split("=", 1) for part in name.split(",")) if "=" in name else {"i": name}


def name_of(labels):
    return ",".join(f"{name}={value}" for name, value in labels.items())


def ports(table, **other):
    expand = make_expander(table.query, {}, "http://watchman")
    return Ports(
        **{
            "range_query": table.range_query,
            "query": table.query,
            "expand": expand,
            "as_active": as_active,
            "render": make_renderer(BERLIN),
            **other,
        }
    )


def routing(**route):
    root = Route(**{"receiver": "phone", "group_wait_s": 0.0, **route})
    return Routing(build_tree(root), {"phone": Receiver("phone"), "mail": Receiver("mail")}, BERLIN)


def group_of(*rules, **fields):
    return Group(**{"name": "g", "file": "f.yaml", "rules": rules, "interval_s": INTERVAL_S, **fields})


def rule(**fields):
    return Rule(**{"name": "T", "expr": "m", "labels": {"severity": "warning"}, **fields})


def setting(group, slots, **fields):
    """The group's first `slots` slots from START."""
    first = grid_of(group, START, START + 1e6).first
    end = first + (slots - 1) * group.interval_s + 0.5
    return Setting(
        **{"groups": [group], "routing": routing(), "start": START, "end": end, "not_before": START, **fields}
    )


def run(group, rows, **fields):
    """The replay of rows of the expression `m`, or of several by expression."""
    table = Table(group, rows if isinstance(rows, dict) else {group.rules[0].query: rows})
    slots = max(map(len, table.rows.values()))
    return replay(setting(group, slots, **fields), ports(table)), table
