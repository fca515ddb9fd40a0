"""What the Alertmanagers beside a stepped daemon hear, over outages of theirs, of Prometheus and of the daemon."""

from dataclasses import replace

from world import CONFIG, RULES

from watchman import jobs
from watchman.alertmanager.client import AlertmanagerError
from watchman.errors import QueryError

HOT = "heat > 0"
BESIDE = CONFIG + "alertmanager: {urls: ['http://127.0.0.1:9']}\nexternal_labels: {site: home}\n"
AT_ONCE = RULES.replace("for: 2m", "for: 0s")


class Member:
    """An Alertmanager that may be down."""

    def __init__(self):
        self.url, self.down, self.told = "http://member", False, []

    def post(self, alerts):
        if self.down:
            raise AlertmanagerError("gone")
        self.told.append(alerts)

    def close(self):
        pass


class Told:
    """A world with one Alertmanager; `minutes` gives what it hears in each: (status, startsAt, endsAt) in seconds."""

    def __init__(self, world):
        self.world, self.member = world, Member()
        self.plug_in()

    def plug_in(self):
        self.world.context.wiring = replace(self.world.context.wiring, members=(self.member,))

    def minutes(self, first, last):
        heard = {}
        for minute in range(first, last):
            before = len(self.member.told)
            self.world.tick(minute)
            jobs.forward(self.world.context)
            new = [alert for batch in self.member.told[before:] for alert in batch]
            lines = [self.line(alert) for alert in new if alert.labels["alertname"] == "Hot"]
            if lines:
                heard[minute] = lines
        return heard

    def line(self, alert):
        now, start = self.world.clock.at, self.world.start
        status = "firing" if alert.ends_at > now else "resolved"
        return status, round(alert.starts_at - start), round(alert.ends_at - start)


def hot(world, *minutes):
    world.prometheus.values[HOT] = {world.minute(minute): 7.0 for minute in minutes}


def test_an_alert_is_told_repeated_and_over_with_its_labels_texts_and_link(make_world):
    world = make_world(config=BESIDE, rules=AT_ONCE)
    hot(world, 0, 1, 2)
    told = Told(world)
    assert told.minutes(0, 6) == {
        0: [("firing", 0, 240)],
        2: [("firing", 0, 360)],
        3: [("resolved", 0, 180)],
        5: [("resolved", 0, 180)],
    }
    alert = told.member.told[0][0]
    assert alert.labels == {"alertname": "Hot", "severity": "critical", "host": "h", "site": "home"}
    assert alert.annotations == {"summary": "It is hot: 7"}
    assert alert.generator_url == "http://127.0.0.1:9/graph?g0.expr=heat+%3E+0&g0.tab=1"


def test_while_prometheus_is_away_what_fires_is_told_again(make_world):
    world = make_world(config=BESIDE, rules=AT_ONCE)
    hot(world, 0)
    told = Told(world)
    told.minutes(0, 1)
    world.prometheus.error = QueryError("Prometheus cannot be reached", "connect")
    assert told.minutes(1, 7) == {2: [("firing", 0, 360)], 4: [("firing", 0, 480)], 6: [("firing", 0, 600)]}


def test_a_restart_between_two_repeats_changes_nothing(make_world):
    world = make_world(config=BESIDE, rules=AT_ONCE)
    hot(world, 0, 1)
    told = Told(world)
    assert told.minutes(0, 3) == {0: [("firing", 0, 240)], 2: [("resolved", 0, 120)]}
    world.restart()
    told.plug_in()
    assert told.minutes(3, 7) == {4: [("resolved", 0, 120)], 6: [("resolved", 0, 120)]}


def test_a_limit_hit_just_before_a_kill_is_still_told_as_an_end(make_world):
    world = make_world(config=BESIDE, rules=AT_ONCE.replace("interval: 60s", "interval: 60s\n    limit: 1"))
    hot(world, 0, 1)
    told = Told(world)
    told.minutes(0, 1)
    world.prometheus.query = lambda _expr, _ts: two_elements()
    world.tick(1)
    world.restart()
    told.plug_in()
    assert told.minutes(2, 3) == {2: [("resolved", 0, 120)]}


def test_an_alertmanager_that_was_down_is_told_when_it_is_back(make_world):
    world = make_world(config=BESIDE, rules=AT_ONCE)
    hot(world, 0, 1, 2)
    told = Told(world)
    told.member.down = True
    assert told.minutes(0, 2) == {}
    assert "gone" in world.context.forward_error
    told.member.down = False
    assert told.minutes(2, 3) == {2: [("firing", 0, 360)]}
    assert world.context.forward_error == ""


def two_elements():
    from watchman.series import Answer, Sample

    return Answer("vector", [Sample({"host": host}, 1.0) for host in "ab"])
