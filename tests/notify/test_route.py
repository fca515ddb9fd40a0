"""The route tree: Alertmanager's order, inheritance and group keys."""

from __future__ import annotations

import pytest

from watchman.notify.matchers import parse_matchers
from watchman.notify.route import Route, build_tree, group_key, match_routes


def route(receiver: str | None, matchers: str = "", *routes: Route, **fields: object) -> Route:
    return Route(receiver, matchers=tuple(parse_matchers(matchers)), routes=routes, **fields)


TREE = route(
    "root",
    "",
    route("pager", "severity=critical", route("fire", "alertname=Fire")),
    route("log", "", continue_=True),
    route("battery", 'alertname=~"Battery.*"', continue_=True),
    route("night", "time=night"),
)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"severity": "critical", "alertname": "X"}, ["pager"]),
        ({"severity": "critical", "alertname": "Fire"}, ["fire"]),
        ({"alertname": "BatteryIdle", "time": "night"}, ["log", "battery", "night"]),
        ({"alertname": "X"}, ["log"]),
    ],
)
def test_the_first_match_wins_unless_it_continues(labels: dict[str, str], expected: list[str]) -> None:
    assert [node.receiver for node in match_routes(build_tree(TREE), labels)] == expected


def test_the_root_takes_what_no_child_wants() -> None:
    tree = build_tree(route("root", "", route("a", "x=y")))

    assert [node.receiver for node in match_routes(tree, {"x": "z"})] == ["root"]


def test_children_inherit_what_they_leave_out() -> None:
    child = Route(matchers=tuple(parse_matchers("a=b")), group_wait_s=1.0)
    root = Route("root", group_by=("x",), group_interval_s=7.0, repeat_intervals_s=(9.0,), routes=(child,))

    node = build_tree(root).children[0]

    assert (node.receiver, node.group_by, node.group_wait_s) == ("root", ("x",), 1.0)
    assert (node.group_interval_s, node.repeat_intervals_s) == (7.0, (9.0,))


def test_mute_times_are_not_inherited() -> None:
    parent = Route("a", matchers=tuple(parse_matchers("a=b")), mute_time_intervals=("night",), routes=(Route("c"),))

    assert build_tree(Route("root", routes=(parent,))).children[0].children[0].mute_time_intervals == ()


def test_a_root_without_receiver_is_refused() -> None:
    with pytest.raises(ValueError, match="receiver"):
        build_tree(Route())


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [
        ((), '{}/{a=~"b|c"}:{}'),
        (("alertname", "missing"), '{}/{a=~"b|c"}:{alertname="X"}'),
        (("...",), '{}/{a=~"b|c"}:{a="b",alertname="X"}'),
    ],
)
def test_group_keys_look_like_alertmanagers(group_by: tuple[str, ...], expected: str) -> None:
    node = build_tree(Route("root", routes=(route("x", 'a=~"b|c"', group_by=group_by),))).children[0]

    assert group_key(node, {"a": "b", "alertname": "X"}) == expected


def test_twin_routes_do_not_share_a_key() -> None:
    twin = route("x", "a=b", continue_=True)

    first, second = build_tree(Route("root", routes=(twin, twin))).children

    assert first.key != second.key


@pytest.mark.parametrize(
    ("matchers", "expected"),
    [("severity=info", True), ('severity=~"info|notice"', True), ("severity!=critical", False), ("alertname=X", False)],
)
def test_a_route_may_ask_for_info_by_name(matchers: str, expected: bool) -> None:
    assert build_tree(Route("root", routes=(route("x", matchers),))).children[0].selects_info is expected
