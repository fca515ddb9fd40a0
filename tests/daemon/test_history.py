"""What has alerted: incidents with durations, who was told, what kept them back. Through a whole daemon."""

import json

from click.testing import CliRunner
from world import CONFIG, RULES

from watchman.cli import command_line
from watchman.pasts import as_firings, past_line
from watchman.store.acks import add_ack
from watchman.store.history import history
from watchman.worker_process import _incidents, _noisy

QUIET = CONFIG.replace('home"]}', 'home"], quiet_hours: {start: "00:00", end: "23:59", passes: [critical]}}')


def lived(make_world, **files):
    world = make_world(**files)
    world.prometheus.values["heat > 0"] = {world.minute(minute): 7.0 for minute in (0, 1, 2, 3, 10, 11, 12)}
    for minute in range(30):
        world.tick(minute)
    return world


def pasts(world):
    with world.context.store.read() as connection:
        return history(connection, 0.0, 1e12)


def test_each_incident_has_its_end_and_who_was_told(make_world):
    found = pasts(lived(make_world))
    assert [(past.incident.ended - past.incident.started, [row.receiver for row in past.told]) for past in found] == [
        (240.0, ["phone"]),
        (180.0, ["phone"]),
    ]
    assert [past.held for past in found] == [(), ()]


def test_what_kept_it_back_is_told_with_its_reason(make_world):
    world = lived(make_world, config=QUIET, rules=RULES.replace("critical", "warning"))
    found = pasts(world)
    assert [[(row.receiver, row.reason) for row in past.held] for past in found] == [[("phone", "quiet hours")]] * 2
    assert past_line(found[0], world.clock.at, world.context.wiring.config.site.timezone).endswith(
        "Hot: It is hot: 7; kept from phone (quiet hours)"
    )
    assert {one.held for one in _incidents(world.context.store, 0.0, 1e12)} == {"in quiet hours"}


def test_an_acknowledgement_stands_with_its_incident(make_world):
    world = lived(make_world)
    first = pasts(world)[0].incident
    with world.context.store.begin() as connection:
        add_ack(connection, first.fingerprint, first.fired, "phone", world.clock.at)
    assert [past.ack.by if past.ack else None for past in pasts(world)] == ["phone", None]


def test_the_command_prints_lines_json_and_who_alerts_most(make_world):
    world = lived(make_world)
    config = ["--config", str(world.folder / "config.yaml"), "--since", "1970-01-02"]
    world.context.store.close()
    lines = CliRunner().invoke(command_line, ["alerts", *config]).stdout.splitlines()
    shape = json.loads(CliRunner().invoke(command_line, ["alerts", *config, "--json"]).stdout)
    top = CliRunner().invoke(command_line, ["alerts", *config, "--top"]).stdout
    assert len(lines) == 2
    assert "4 min" in lines[0]
    assert "told phone" in lines[0]
    assert [(one["alertname"], one["duration_s"], one["acknowledged"]) for one in shape["incidents"]] == [
        ("Hot", 240, None),
        ("Hot", 180, None),
    ]
    assert shape["incidents"][0]["told"][0]["receiver"] == "phone"
    assert top == "no rule alerted often\n"


def test_a_past_that_is_still_to_come_is_refused_in_its_own_words(make_world):
    world = lived(make_world)
    world.context.store.close()
    command = ["alerts", "--config", str(world.folder / "config.yaml"), "--since", "2999-01-01"]
    done = CliRunner().invoke(command_line, command)
    assert done.exit_code != 0
    assert str(done.exception) == "--since 2999-01-01 lies in the future: only what has been is kept"


def test_the_digest_of_the_first_names_who_alerted_most(make_world):
    world = make_world()
    slots = [minute for start in range(0, 60, 10) for minute in range(start, start + 4)]
    world.prometheus.values["heat > 0"] = {world.minute(minute): 7.0 for minute in slots}
    for minute in range(80):
        world.tick(minute)
    assert len(as_firings(pasts(world), 0.0)) == 6
    assert _noisy(world.context.store, world.context.wiring.config, 0.0, 1e12) == [
        "Hot (critical): 6 times, told 5, 12 min in all. Try: keep_firing_for: 10m would leave 1 of 6."
    ]
