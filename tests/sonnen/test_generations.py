"""The generations and inverters beside v1 and v2: the tree of the eco 4 to 7, the Australian hybrid, the Radian."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from watchman.sonnen.answers import read_answer
from watchman.sonnen.changes import changes
from watchman.sonnen.learn import Took, learn, with_token
from watchman.sonnen.meters import Inverter, parse_inverter
from watchman.sonnen.plan import Ask, State, first_state, next_ask
from watchman.sonnen.poller import Poller
from watchman.sonnen.status import Status
from watchman.sonnen.system import System, Target, candidates, normal_url
from watchman.sonnen.values import Failure

TREE = {
    "M01": "0", "M02": "812", "M03": 2590, "M04": "640.0", "M05": "57", "M06": "13", "M30": "52", "M38": 1138,
    "M39": "0", "S65": "3300",
}  # fmt: skip


def tree(**changed: object) -> Status:
    fields = {name: value for name, value in (TREE | changed).items() if value is not ...}
    status = read_answer("status", json.dumps(fields).encode())
    assert isinstance(status, Status)
    return status


def test_the_tree_of_an_eco_is_a_status() -> None:
    status = tree()

    assert (status.production_w, status.consumption_w) == (2590, 640)
    assert (status.discharge_w, status.grid_feed_in_w) == (-812, 1138)
    assert (status.state_of_charge_percent, status.user_state_of_charge_percent) == (57, 52)
    assert (status.charging, status.discharging, status.tree_state) == (True, False, "charging")
    assert status.operating_mode is None, "M06 10 is automatic, OperatingMode 10 is time of use"
    assert status.missing == 0


@pytest.mark.parametrize(
    ("changed", "discharge_w", "feed_in_w"),
    [
        ({"M34": "300", "M35": "0"}, 300, 1138),
        ({"M34": 65211, "M35": 750}, -750, 1138),
        ({"M01": ..., "M02": ...}, None, 1138),
        ({"M38": ..., "M02": "0"}, 0, 1950),
        ({"M38": ..., "M01": ...}, None, None),
    ],
    ids=["later counters first", "more than the inverter can", "no battery power", "feed-in by balance", "no balance"],
)
def test_the_trees_powers(changed: dict[str, object], discharge_w: float | None, feed_in_w: float | None) -> None:
    status = tree(**changed)
    assert (status.discharge_w, status.grid_feed_in_w) == (discharge_w, feed_in_w)


@pytest.mark.parametrize("state", ["77", "-1", 1e300])
def test_an_unknown_state_of_a_tree_is_other(state: object) -> None:
    assert tree(M06=state).tree_state == "other"


def test_a_tree_of_nothing_is_refused() -> None:
    nothing = read_answer("status", b'{"M03": null, "M05": "x"}')
    assert isinstance(nothing, Failure)
    assert nothing.reason == "bad_shape"


@pytest.mark.parametrize(
    ("url", "api", "expected"),
    [
        ("http://b", "eco", ["http://b:7979 eco", "http://b:7979 eco-parts"]),
        ("http://b:7979", "auto", ["http://b:7979 eco", "http://b:7979 eco-parts", "http://b:7979 v2"]),
        ("http://b:8080", "auto", ["http://b:8080 v2", "http://b:8080 v1", "http://b:80 v2", "http://b:80 v1",
                                   "http://b:7979 eco", "http://b:7979 eco-parts"]),
        ("http://b:5000", "auto", ["http://b:5000 v2", "http://b:5000 v1", "http://b:5000 eco"]),
    ],
)  # fmt: skip
def test_where_the_tree_is_looked_for(url: str, api: str, expected: list[str]) -> None:
    found = [f"{target.base} {target.api}" for target in candidates(System("b", "", url, api=api))]
    assert found[: len(expected)] == expected


def test_the_path_of_the_tree_may_stand_in_the_url() -> None:
    assert normal_url("http://b:7979/rest/devices/battery/M05") == "http://b:7979"


def test_an_eco_that_answers_its_values_only_one_by_one_is_read() -> None:
    asked: list[str] = []

    def fetch(url: str, token: str | None) -> bytes | Failure:
        asked.append(url)
        name = url.rpartition("/")[2]
        assert token is None
        return f"{TREE[name]}\n".encode() if name in TREE else Failure("not_found", "404")

    poller = Poller(System("b", "", "http://b", api="eco"), fetch)
    for _ in range(2):
        poller._step(next_ask(poller.state, 0.0))

    assert asked[:2] == ["http://b:7979/rest/devices/battery", "http://b:7979/rest/devices/battery/M05"]
    assert poller.state.target == Target("http://b:7979", "eco-parts")
    assert isinstance(reading := poller.state.status.reading, Status)
    assert (reading.discharge_w, reading.grid_feed_in_w) == (-812, 1138)


HYBRID = {
    "acloadsactivepower": "12", "acloadscosphi": "981", "batterycurrent": "64236", "batterypower": "64886",
    "batteryvoltage": "498", "gridgensetcurrent": "301", "gridgensetfrequency": "4998", "gridgensetvoltage\n": "241",
    "inverteractivepower": "64900", "pvpower": "420", "pvvoltage": "351", "pvcurrent": "119", "inverteralarms": "0x01",
}  # fmt: skip


def test_registers_of_the_hybrid_are_scaled_and_signed() -> None:
    inverter = parse_inverter({"status": HYBRID})

    assert isinstance(inverter, Inverter)
    assert (inverter.frequency_hz, inverter.grid_v) == (49.98, (241, None, None))
    assert (inverter.active_power_w, inverter.battery_power_w, inverter.battery_a) == (-636, -650, -13)
    assert (inverter.ac_a, inverter.power_factor) == (3.01, 0.981)
    assert (inverter.pv_power_w[0], inverter.pv_v[0], inverter.pv_a[0]) == (420, 351, 1.19)
    assert inverter.missing == 0


def test_values_of_the_radian_follow_their_scale() -> None:
    status = {
        "gs_ac_input_frequency": 601, "gs_ac_frequency_sf": -1, "gs_l1_grid_input_ac_voltage": 121,
        "gs_l2_grid_input_ac_voltage": 119, "gs_ac_voltage_sf": 0, "gs_battery_voltage": 529, "gs_dc_voltage_sf": -1,
        "gs_battery_temperature": -32768, "gs_l_module_fet_temperature": 31, "gs_r_module_fet_temperature": 34,
    }  # fmt: skip
    inverter = parse_inverter({"settings": {}, "status": status})

    assert isinstance(inverter, Inverter)
    assert (inverter.frequency_hz, inverter.grid_v) == (60.1, (121, 119, None))
    assert inverter.temperature_c == {"max": 34}
    assert inverter.active_power_w is None
    assert inverter.missing == 0


@pytest.mark.parametrize("scale", [400, -400, "x", None])
def test_an_impossible_scale_gives_no_value_and_no_exception(scale: object) -> None:
    inverter = parse_inverter({"status": {"gs_battery_voltage": 529, "gs_dc_voltage_sf": scale, "gs_x": 1}})
    assert isinstance(inverter, Inverter)


# The token


def refused(state: State) -> State:
    ask = Ask("battery", Target("http://b", "v2"), True, 0.0)
    return learn(state, ask, Failure("unauthorized", "401"), Took(0.0, 0.0, 0.0), 0.0)


@pytest.fixture
def with_old_token() -> State:
    state = first_state(System("b", "", "http://b", token="old"), 0.0)
    ask = Ask("status", Target("http://b", "v2"), False, 0.0)
    return learn(state, ask, read_answer("status", b'{"RSOC": 5}'), Took(0.0, 0.0, 0.0), 0.0)


def test_a_token_that_was_good_before_is_told_apart_from_one_that_never_was(with_old_token: State) -> None:
    never = changes(with_old_token, refused(with_old_token), 0.0)
    good = replace(with_old_token, token_ok=True)
    before = changes(good, refused(good), 0.0)

    assert "switch on 'Read API'" in never[0].message
    assert "accepted before and now is refused" in before[0].message


def test_a_forbidden_answer_names_the_switch(with_old_token: State) -> None:
    ask = Ask("battery", Target("http://b", "v2"), True, 0.0)
    after = learn(with_old_token, ask, Failure("forbidden", "403"), Took(0.0, 0.0, 0.0), 0.0)
    assert [change.message for change in changes(with_old_token, after, 0.0)] == [
        "the token is accepted, but not for battery (HTTP 403): the Read API is switched off"
    ]


def test_a_renewed_token_is_tried_at_once_and_the_refused_one_is_not(with_old_token: State) -> None:
    state = refused(with_old_token)
    assert with_token(state, "old", 5.0) is state
    assert with_token(state, "", 5.0) is state

    renewed = with_token(state, "new", 5.0)
    assert (renewed.system.token, renewed.token_ok, renewed.endpoints["battery"].due_s) == ("new", None, 5.0)


def test_a_token_file_is_read_again_only_while_its_token_is_refused(with_old_token: State) -> None:
    reads: list[str] = []

    def read() -> str:
        reads.append("read")
        return "new"

    poller = Poller(System("b", "", "http://b", token="old", reread_token=read), lambda *_: Failure("connect", "x"))
    poller._renew_token()
    assert reads == []
    poller.state = replace(refused(with_old_token), system=poller.state.system)
    poller._renew_token()
    assert (reads, poller.state.system.token) == (["read"], "new")


def test_a_token_file_that_is_gone_for_a_moment_is_no_end(with_old_token: State) -> None:
    def read() -> str:
        raise FileNotFoundError("gone")

    poller = Poller(System("b", "", "http://b", token="old", reread_token=read))
    poller.state = replace(refused(with_old_token), system=poller.state.system)
    poller._renew_token()
    assert poller.state.system.token == "old"


def test_what_an_update_took_is_said_once(with_old_token: State) -> None:
    target = Target("http://b", "v2")

    def answered(state: State, endpoint: str, body: bytes) -> State:
        ask = Ask(endpoint, target, True, 0.0)
        return learn(state, ask, read_answer(endpoint, body), Took(0.0, 0.0, 0.0), 0.0)

    state = answered(with_old_token, "inverter", b'{"fac": 50, "uac": 230, "tmax": 40}')
    state = answered(state, "configurations", b'{"DE_Software": "1.14.5"}')
    updated = answered(state, "configurations", b'{"DE_Software": "1.20.0"}')
    lacking = answered(updated, "inverter", b'{"fac": 50}')
    again = answered(lacking, "inverter", b'{"fac": 50}')

    assert [c.message for c in changes(state, updated, 0.0)] == ["firmware changed from 1.14.5 to 1.20.0"]
    assert [c.message for c in changes(updated, lacking, 0.0)] == [
        "since the firmware update inverter lacks 2 more of the fields expected"
    ]
    assert changes(lacking, again, 0.0) == []
