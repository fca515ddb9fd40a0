"""The three modes with a real Prometheus, real Alertmanagers and rules of dockprom's kind: none lost, none double."""

from __future__ import annotations

from collections import Counter

import pytest
from dockprom import BUSY, DOWN, GONE, Service, Slack, alertmanager_config, cluster_args, listed, prometheus_config
from servers import free_port, wait_for

pytestmark = pytest.mark.integration

HOT = "It is hot: 7"
COMMON = "resend_delay: 5s\nexternal_labels: {monitor: docker-host-alpha, sent_by: watchman}\n"
RESEND = ["--rules.alert.resend-delay=3s"]


@pytest.fixture
def host():
    with_values = Service(heat=0, node_load1=0.3, **{'container_memory_usage_bytes{name="web"}': 1}).open()
    yield with_values
    with_values.close()


@pytest.fixture
def nas():
    service = Service(spinning=1).open()
    yield service
    service.close()


@pytest.fixture
def slack():
    slack = Slack()
    yield slack
    slack.close()


@pytest.fixture
def run_dockprom(tmp_path, run_prometheus, host, nas):
    """`run_dockprom(ports of Alertmanagers)`: its Prometheus."""

    def run(*alertmanagers):
        config = prometheus_config(tmp_path, {"host": host.port, "nas": nas.port}, alertmanagers)
        return run_prometheus(config=config, args=RESEND)

    return run


def ends(*titles):
    return Counter([*titles, *(f"Over: {title}" for title in titles)])


def heard(phone):
    return Counter(phone.titles())


def test_beside_each_tells_its_own_and_alertmanager_shows_all(
    run_dockprom, run_alertmanager, make_daemon, host, nas, phone, slack
):
    phone.open()
    member = run_alertmanager(config=alertmanager_config(slack.url, watchman_goes="nowhere"))
    prometheus = run_dockprom(member.port)
    section = f"alertmanager: {{urls: ['{member.url}'], mode: beside}}\n"
    daemon = make_daemon(prometheus.url, extra=COMMON + section).start()
    host.values["heat"] = 7
    nas.close()
    wait_for(lambda: listed(member.url) == [HOT, DOWN], what="both alerts in Alertmanager")
    wait_for(lambda: slack.heard and phone.titles(), what="a message on each side")
    member.kill()
    restarted = run_alertmanager(
        config=alertmanager_config(slack.url, watchman_goes="nowhere"), directory=member.directory, port=member.port
    )
    wait_for(lambda: listed(restarted.url) == [HOT, DOWN], what="both alerts, told again")
    wait_for(lambda: not daemon.outbox(), what="the answer noted")
    daemon.kill()
    daemon.start()
    host.values["heat"] = 0
    nas.open()
    wait_for(lambda: len(phone.titles()) == 2 and ("resolved", DOWN) in slack.heard, what="both ends")
    assert listed(restarted.url) == []
    assert heard(phone) == ends(HOT)
    assert {title for _, title in slack.heard} == {DOWN}


def test_before_a_cluster_of_two_groups_everything_and_watchman_tells_each_once(
    run_dockprom, run_alertmanager, make_daemon, host, nas, phone
):
    """A member and watchman are killed while alerts are on their way."""
    first, second = free_port(), free_port()
    ports, gossip = (free_port(), free_port()), (first, second)
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    section = f"alertmanager: {{urls: {urls}, mode: before}}\n"
    prometheus = run_dockprom(*ports)
    daemon = make_daemon(prometheus.url, extra=COMMON + section)
    config = alertmanager_config(f"http://127.0.0.1:{daemon.port}/webhook/alertmanager/phone")
    members = [
        run_alertmanager(config=config, port=port, args=cluster_args(own, [other]))
        for port, own, other in zip(ports, gossip, reversed(gossip), strict=True)
    ]
    daemon.start()
    host.values["heat"] = 7
    nas.close()
    wait_for(lambda: len(daemon.outbox()) == 2, what="both alerts in the outbox, while the phone is away")
    daemon.kill()
    phone.open()
    daemon.start()
    wait_for(lambda: heard(phone) == Counter([HOT, DOWN]), what="both, told once")
    assert all(listed(member.url) == [HOT, DOWN] for member in members)
    members[0].kill()
    host.values["node_load1"] = 3
    wait_for(lambda: BUSY in phone.titles(), what="what only the second member can tell")
    back = run_alertmanager(
        config=config, directory=members[0].directory, port=ports[0], args=cluster_args(first, [second])
    )
    wait_for(lambda: listed(back.url) == [HOT, BUSY, DOWN], what="a member that knows all again")
    host.values.update(heat=0, node_load1=0.3)
    nas.open()
    wait_for(lambda: len(phone.titles()) >= 6, what="the ends")
    del host.values['container_memory_usage_bytes{name="web"}']
    wait_for(lambda: GONE in phone.titles(), what="one more, after which no second message of the others can come")
    assert heard(phone) == ends(HOT, DOWN, BUSY) + Counter([GONE])
    assert "told from here" not in daemon.log()


def test_instead_prometheus_posts_to_watchman_over_an_outage_of_it(run_dockprom, make_daemon, host, nas, phone):
    daemon_port = free_port()
    prometheus = run_dockprom(daemon_port)
    phone.open()
    daemon = make_daemon(prometheus.url, extra=COMMON)
    daemon.config.write_text(daemon.config.read_text().replace(f":{daemon.port}", f":{daemon_port}"))
    daemon.port = daemon_port
    daemon.start()
    host.values["heat"] = 7
    nas.close()
    wait_for(lambda: heard(phone) == Counter([HOT, DOWN]), what="both, told once")
    wait_for(lambda: not daemon.outbox(), what="the answers noted: only what is on its way may come twice")
    daemon.kill()
    host.values.update(node_load1=3)
    daemon.start()
    wait_for(lambda: BUSY in phone.titles(), what="what began while watchman was away")
    assert listed(f"http://127.0.0.1:{daemon_port}") == [HOT, BUSY, DOWN]
    host.values.update(heat=0, node_load1=0.3)
    nas.open()
    wait_for(lambda: len(phone.titles()) >= 6, what="the ends")
    del host.values['container_memory_usage_bytes{name="web"}']
    wait_for(lambda: GONE in phone.titles(), what="one more")
    assert heard(phone) == ends(HOT, DOWN, BUSY) + Counter([GONE])
