"""The running daemon against a real Prometheus, a real mail exchange and kill -9."""

import email
import email.policy
import json
import random
import signal
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from servers import free_port, wait_for

from watchman.localtime import local_day
from watchman.series import Series

pytestmark = pytest.mark.integration


def test_an_alert_lives_and_the_phone_hears_of_it(thing, watched, phone, make_daemon):
    phone.open()
    daemon = make_daemon(watched.url, for_="2s").start()
    thing.heat = 7.0
    wait_for(lambda: daemon.states() == ["pending"], what="pending")
    wait_for(lambda: daemon.states() == ["firing"], what="firing")
    wait_for(lambda: phone.titles() == ["It is hot: 7"], what="the push")
    assert 'ALERTS{alertname="Hot",alertstate="firing"' in daemon.get("/metrics")
    assert "It is hot: 7" in daemon.get("/")
    thing.heat = 0.0
    wait_for(lambda: phone.titles() == ["It is hot: 7", "Over: It is hot: 7"], what="the end")


def test_killed_between_commit_and_send_the_message_still_arrives_once(thing, watched, phone, make_daemon):
    daemon = make_daemon(watched.url).start()
    thing.heat = 7.0
    wait_for(daemon.outbox, what="the message in the outbox")
    daemon.kill()
    assert [row["state"] for row in daemon.outbox()] == ["due"]
    phone.open()
    daemon.start()
    wait_for(phone.titles, what="the push")
    wait_for(lambda: not daemon.outbox(), what="an empty outbox")
    assert phone.titles() == ["It is hot: 7"]


def test_a_restart_while_pending_keeps_the_clock(thing, watched, phone, make_daemon):
    phone.open()
    daemon = make_daemon(watched.url, for_="6s").start()
    thing.heat = 7.0
    wait_for(lambda: daemon.states() == ["pending"], what="pending")
    (before,) = daemon.alerts()
    daemon.kill()
    daemon.start()
    wait_for(lambda: daemon.states() == ["firing"], what="firing")
    (after,) = daemon.alerts()
    assert before["activeAt"] == after["activeAt"]
    wait_for(lambda: phone.titles() == ["It is hot: 7"], what="the push")


def test_a_restart_while_firing_says_nothing_twice_and_the_end_comes(thing, watched, phone, make_daemon):
    phone.open()
    daemon = make_daemon(watched.url).start()
    thing.heat = 7.0
    wait_for(lambda: phone.titles() == ["It is hot: 7"], what="the push")
    daemon.kill()
    daemon.start()
    wait_for(lambda: daemon.states() == ["firing"], what="firing")
    daemon.kill()
    thing.heat = 0.0
    daemon.start()
    wait_for(lambda: len(phone.titles()) > 1, what="the end")
    assert phone.titles() == ["It is hot: 7", "Over: It is hot: 7"]


def live_through_kills(thing, phone, daemon, kills, seed):
    """Turn the heat on and off; kill the daemon at random moments, let the phone service fail now and then."""
    chance = random.Random(seed)

    def is_in(*states):
        return lambda: daemon.is_ready() and daemon.states() == list(states)

    daemon.start()
    for kill in range(kills):
        thing.heat = float(kill + 1)
        # Sometimes before it is up, sometimes as soon as it is, sometimes while it tells.
        wait_for(
            chance.choice([lambda: True, daemon.is_ready, is_in("firing")]) if kill else is_in("firing"),
            what="a moment",
        )
        time.sleep(chance.uniform(0, 0.3))
        phone.status = chance.choice([200, 200, 503])
        daemon.kill()
        daemon.start(wait=False)
        thing.heat = chance.choice([0.0, thing.heat])
        wait_for(chance.choice([daemon.is_ready, is_in() if thing.heat == 0.0 else is_in("firing")]), what="the next")
        phone.status = 200
    thing.heat = 0.0
    wait_for(is_in(), limit_s=30, what="calm")
    wait_for(lambda: not daemon.outbox(), limit_s=60, what="an empty outbox")
    wait_for(lambda: all_is_over(daemon), limit_s=30, what="the last end")


def all_is_over(daemon):
    titles = [row["title"] for row in daemon.outbox("--all", "--limit", "10000")]
    return sum(title.startswith("Over: ") for title in titles) * 2 == len(titles)


def check_nothing_lost(phone, daemon, kills):
    """Every message that was committed was accepted; what was told to fire was told to be over."""
    sent = daemon.outbox("--all", "--limit", "10000")
    assert {"sent"} == {row["state"] for row in sent}
    assert len(phone.messages) >= len(sent)
    doubles = len(phone.messages) - len(sent)
    assert doubles <= kills, "only what was in flight at a kill may come twice"
    began = sum(not row["title"].startswith("Over: ") for row in sent)
    ended = sum(row["title"].startswith("Over: ") for row in sent)
    assert began >= 1
    assert began == ended
    print(f"{kills} kills: {began} alerts told, {ended} ends told, {doubles} doubles, 0 lost")


@pytest.mark.soak
def test_many_kills_at_random_moments_lose_nothing(thing, watched, phone, make_daemon):
    phone.open()
    # Heat that is turned on and off all the time would be told as flapping, whose end comes an hour later.
    daemon = make_daemon(watched.url, extra="flapping: {starts: 0}\n")
    live_through_kills(thing, phone, daemon, kills=60, seed=2)
    check_nothing_lost(phone, daemon, kills=60)


def test_prometheus_may_come_later(thing, phone, run_prometheus, make_daemon):
    phone.open()
    port = free_port()
    daemon = make_daemon(f"http://127.0.0.1:{port}").start()
    wait_for(lambda: "Prometheus does not answer" in daemon.get("/"), what="the word on the page")
    assert "watchman_prometheus_up 0.0" in daemon.get("/metrics")
    jobs = [{"job_name": "thing", "scrape_interval": "1s", "static_configs": [{"targets": [thing.address]}]}]
    run_prometheus(config={"scrape_configs": jobs}, port=port)
    thing.heat = 7.0
    wait_for(lambda: phone.titles() == ["It is hot: 7"], what="the push")


def test_a_mail_server_that_is_away_leaves_the_message_in_the_outbox(post, watched, make_daemon):
    daemon = make_daemon(watched.url).start()
    code, _, errors = daemon.command("notify", "--receiver", "mail", "--title", "Hello", "Can you hear me?")
    assert (code, "wait in the outbox" in errors) == (1, True)
    assert [row["title"] for row in daemon.outbox()] == ["Hello"]
    post.open()
    wait_for(lambda: post.mails, limit_s=20, what="the mail")
    mail = email.message_from_bytes(post.mails[0], policy=email.policy.default)
    assert (mail["Subject"], mail["To"]) == ("Hello", "me@example.org")


def test_a_test_message_tells_what_the_service_answered(phone, watched, make_daemon):
    phone.open()
    daemon = make_daemon(watched.url)
    code, output, _ = daemon.command("notify", "--receiver", "phone", "ping")
    assert (code, phone.titles()) == (0, ["Test from watchman"])
    assert "phone ntfy://127.0.0.1" in output
    assert "accepted" in output
    phone.status = 401
    code, output, errors = daemon.command("notify", "--receiver", "phone", "ping")
    assert (code, "NOT accepted" in output) == (1, True), errors


def day_of_history(day, zone):
    """A day of plain powers every minute from the evening before to a while after it."""
    start, end = local_day(day, zone)
    times = [start - 7200 + 60 * step for step in range(int((end - start + 7800) / 60))]
    labels = {"host": "h", "sn": "1", "job": "sonnenexporter"}
    constants = {
        "sonnen_production_watts": 1500.0,
        "sonnen_consumption_watts": 900.0,
        "sonnen_grid_feed_in_watts": 400.0,
        "sonnen_discharge_watts": -200.0,
        "sonnen_state_of_charge_percent": 60.0,
    }
    return [Series({"__name__": name, **labels}, times, [w] * len(times)) for name, w in constants.items()]


def test_yesterdays_digest_arrives_once_as_a_mail_with_right_figures(run_prometheus, post, make_daemon):
    zone = ZoneInfo("Europe/Berlin")
    yesterday = datetime.now(zone).date() - timedelta(days=1)
    prometheus = run_prometheus(history=day_of_history(yesterday, zone))
    reports = 'reports: [{name: daily, at: "00:00", receivers: [mail]}]\n'
    daemon = make_daemon(prometheus.url, extra=reports).start()
    wait_for(lambda: [row for row in daemon.outbox() if row["kind"] == "report"], limit_s=180, what="the digest")
    daemon.kill()
    post.open()
    daemon.start()
    wait_for(lambda: post.mails, limit_s=60, what="the mail")
    wait_for(lambda: not daemon.outbox(), limit_s=20, what="an empty outbox")
    assert len(post.mails) == 1
    mail = email.message_from_bytes(post.mails[0], policy=email.policy.default)
    hours = (local_day(yesterday, zone)[1] - local_day(yesterday, zone)[0]) / 3600
    text = mail.get_body(("plain",)).get_content()
    assert f"{1.5 * hours:.1f} kWh" in text
    assert f"{0.4 * hours:.1f}" in text
    html = mail.get_body(("related", "html"))
    pictures = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert [part.get_content()[:4] for part in pictures] == [b"\x89PNG"]
    assert f"cid:{pictures[0]['Content-ID'].strip('<>')}" in html.as_string().replace("=\n", "").replace("=3D", "=")


def test_a_report_on_demand_needs_no_daemon(run_prometheus, post, make_daemon, tmp_path):
    zone = ZoneInfo("Europe/Berlin")
    yesterday = datetime.now(zone).date() - timedelta(days=1)
    prometheus = run_prometheus(history=day_of_history(yesterday, zone))
    daemon = make_daemon(prometheus.url, extra="reports: [{name: daily, receivers: [mail]}]\n")
    code, output, errors = daemon.command("report", "day", "--json")
    assert code == 0, errors
    report = json.loads(output)
    hours = report["hours"]
    expected = {
        "production": 1500 * hours,
        "consumption": 900 * hours,
        "grid_import": 0,
        "grid_export": 400 * hours,
        "battery_charge": 200 * hours,
        "battery_discharge": 0,
    }
    assert report["energy_wh"] == pytest.approx(expected, rel=1e-3)
    assert report["ratios"]["self_sufficiency"] == 1.0
    assert report["ratios"]["self_consumption"] == pytest.approx(1100 / 1500, abs=1e-3)
    assert report["complete"] is True
    assert report["start"] == local_day_iso(yesterday, zone)
    page = tmp_path / "day.html"
    assert daemon.command("report", "day", "--date", yesterday.isoformat(), "--output", str(page))[0] == 0
    assert "data:image/png;base64," in page.read_text()
    post.open()
    code, output, errors = daemon.command("report", "day", "--send")
    assert (code, len(post.mails)) == (0, 1), errors
    for wrong in (("--date", "21.11.2026"), ("--output", "day.docx")):
        code, _, errors = daemon.command("report", "day", *wrong)
        assert (code, errors.count("\n")) == (2, 1)
    assert "has not begun" in daemon.command("report", "day", "--date", "2031-01-01")[1]


def local_day_iso(day, zone):
    return datetime.fromtimestamp(local_day(day, zone)[0], zone).isoformat()


def test_a_wrong_reload_keeps_the_old_rules(watched, thing, phone, make_daemon):
    phone.open()
    daemon = make_daemon(watched.url).start()
    good = daemon.config.read_text()
    daemon.config.write_text(good.replace("receiver: phone, group_wait", "receiver: nobody, group_wait"))
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "the old configuration stays in force" in daemon.log(), what="the word")
    assert "watchman_config_last_reload_successful 0.0" in daemon.get("/metrics")
    thing.heat = 7.0
    wait_for(lambda: phone.titles() == ["It is hot: 7"], what="the push")
    rules = daemon.folder / "rules.yaml"
    rules.write_text(rules.read_text().replace("It is hot", "Quite hot"))
    daemon.config.write_text(good)
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "configuration loaded" in daemon.log(), what="the reload")
    thing.heat = 0.0
    wait_for(lambda: len(phone.titles()) == 2, what="the end, told once")
    thing.heat = 8.0
    wait_for(lambda: phone.titles()[2:] == ["Quite hot: 8"], what="the new text")


def test_it_stops_within_seconds_when_told(watched, phone, make_daemon):
    daemon = make_daemon(watched.url).start()
    started = time.monotonic()
    assert daemon.terminate() == 0
    assert time.monotonic() - started < 8


def test_a_second_daemon_on_the_same_state_is_refused(watched, make_daemon):
    daemon = make_daemon(watched.url).start()
    other = f"127.0.0.1:{free_port()}"
    code, _, errors = daemon.command("run", "--listen", other)
    assert (code, "another watchman already runs on" in errors) == (1, True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("receiver: phone, group_wait", "receiver: nobody, group_wait"), 'no receiver is called "nobody"'),
        (("ntfy://127.0.0.1", "nosuch://127.0.0.1"), 'receiver "phone", apprise[0]'),
        (("[rules.yaml]", "[no-such.yaml]"), 'no file matches "no-such.yaml"'),
    ],
)
def test_a_wrong_config_starts_nothing(watched, make_daemon, change, message):
    daemon = make_daemon(watched.url)
    daemon.config.write_text(daemon.config.read_text().replace(*change))
    for command in ("run", "check"):
        code, _, errors = daemon.command(command)
        assert (code, message in errors) == (1, True), errors
    assert not (daemon.folder / "watchman.sqlite").exists()


def test_rules_and_check_talk_to_prometheus(watched, thing, make_daemon):
    daemon = make_daemon(watched.url)
    thing.heat = 7.0
    wait_for(lambda: '"firing"' in daemon.command("rules", "--json")[1], what="the rule to see the heat")
    code, output, errors = daemon.command("check", "--query")
    assert (code, output.startswith("fine: 1 rules in 1 groups")) == (0, True), errors
    assert "metrics.production: matches no series now" in errors
    rules = daemon.folder / "rules.yaml"
    rules.write_text(rules.read_text().replace("heat > 0", "heat > bool sum(heat[5m])"))
    code, _, errors = daemon.command("check", "--query")
    assert (code, "rules.yaml" in errors) == (1, True)


def test_listening_elsewhere_by_an_option_needs_a_password_too(watched, make_daemon):
    daemon = make_daemon(watched.url)
    code, _, errors = daemon.command("run", "--listen", f"0.0.0.0:{free_port()}")
    assert (code, "can be reached from other machines" in errors) == (2, True)


def test_an_address_in_use_is_named(watched, phone, make_daemon):
    phone.open()
    daemon = make_daemon(watched.url)
    code, _, errors = daemon.command("run", "--listen", f"127.0.0.1:{phone.port}")
    assert (code, "cannot listen on" in errors) == (1, True)


def test_it_stops_within_seconds_while_prometheus_hangs(phone, parrot, make_daemon):
    hanging = parrot(None)
    daemon = make_daemon(hanging.url).start()
    wait_for(lambda: hanging.requests, what="a query")
    started = time.monotonic()
    assert daemon.terminate() == 0
    assert time.monotonic() - started < 8
