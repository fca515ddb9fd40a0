"""Nobody is at home: the switch, who else is told, the sign of life. Through a whole daemon."""

from world import CONFIG

from watchman import jobs
from watchman.localtime import day_of, local_day
from watchman.store.away import get_away, set_away
from watchman.views import gauges

TOLD_TOO = CONFIG + "away: {also_tell: [mail], receivers: [phone]}\n"


def turn(world, on):
    with world.context.store.begin() as connection:
        set_away(connection, on, world.clock.at)
    jobs.watch_away(world.context)


def is_away(world):
    return next(value for name, _, _, value in gauges(world.context) if name == "watchman_site_is_away")


def fire(world):
    world.prometheus.values["heat > 0"] = {world.minute(minute): 7.0 for minute in range(60)}
    return [message for minute in range(4) for message in world.tick(minute)]


def test_the_switch_holds_over_a_restart_and_the_rules_see_it(make_world):
    world = make_world(config=TOLD_TOO)
    assert is_away(world) == 0.0
    turn(world, True)
    world.restart()
    assert is_away(world) == 1.0
    turn(world, False)
    assert is_away(world) == 0.0


def test_setting_the_switch_to_where_it_stands_keeps_since_when(make_world):
    world = make_world()
    turn(world, True)
    since = world.clock.at
    world.clock.at += 600
    turn(world, True)
    with world.context.store.begin() as connection:
        assert (get_away(connection).on, get_away(connection).since) == (True, since)


def test_site_away_holds_whatever_the_switch_says(make_world):
    world = make_world(config=CONFIG.replace("name: home", "name: home, away: true"))
    turn(world, False)
    assert is_away(world) == 1.0


def test_a_second_person_hears_of_the_worst_while_away(make_world):
    world = make_world(config=TOLD_TOO)
    turn(world, True)
    assert fire(world) == [("phone", "It is hot: 7"), ("mail", "It is hot: 7")]


def test_at_home_nobody_else_does(make_world):
    assert fire(make_world(config=TOLD_TOO)) == [("phone", "It is hot: 7")]


def test_the_sign_of_life_comes_once_for_each_time_and_not_twice_after_a_restart(make_world):
    world = make_world(config=TOLD_TOO)
    zone = world.context.wiring.config.site.timezone
    midnight = local_day(day_of(world.clock.at, zone), zone)[1]
    turn(world, True)
    for hour in (8.99, 9.0, 9.01, 9.5, 20.9, 21.1):
        world.clock.at = midnight + hour * 3600
        jobs.watch_away(world.context)
        world.restart()
        jobs.watch_away(world.context)
    assert world.messages() == [
        ("phone", "home 09:00: no data, 2nd day away"),
        ("phone", "home 21:00: no data, 2nd day away"),
    ]


def test_at_home_there_is_no_sign_of_life(make_world):
    world = make_world(config=TOLD_TOO)
    zone = world.context.wiring.config.site.timezone
    world.clock.at = local_day(day_of(world.clock.at, zone), zone)[1] + 9 * 3600
    jobs.watch_away(world.context)
    assert world.messages() == []
