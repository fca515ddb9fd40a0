"""The daemon: puts the parts together, runs them, and takes them apart again."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from watchman import actions, jobs, views
from watchman.book import Book
from watchman.clock import Clock, use_utc
from watchman.companion import make_companion
from watchman.config import load_config
from watchman.config.load import listen_problem
from watchman.context import Context
from watchman.errors import StoreError, UsageError, WatchmanError
from watchman.metrics import Metrics
from watchman.rules.builtin import BUILT_IN_GROUP
from watchman.rules.rule import Group
from watchman.rules.slots import slot_offset
from watchman.scheduler import SlotScheduler
from watchman.store import Store, open_store, posted, silences
from watchman.store.alerts import load_alerts
from watchman.store.away import get_away
from watchman.store.cases import order_key
from watchman.store.facts import get_fact
from watchman.web.app import Ports, create_app
from watchman.web.server import WebServer
from watchman.wiring import Wiring, state_url, wire

log = logging.getLogger(__name__)

EVALUATORS = 4
# A group that took so long last time waits with its like, so that it keeps no other from its slot.
SLOW_GROUP_S = 1.0
# One for each destination, made when it is needed: whoever hangs holds its own.
SENDERS = 32
SHUTDOWN_S = 5.0
# A full disk fails every job at every slot; one line in so many seconds is enough to know.
SAME_FAULT_S = 300.0
# Each clerk does one thing at a time, so that a slow report never holds a message up.
CLERKS = ("dispatch", "send", "forward", "members", "report", "ledger", "upkeep", "look")

Job = Callable[[], None]


class Daemon:
    """A running watchman. `run` returns after SIGTERM or SIGINT."""

    def __init__(self, config_file: Path, clock: Clock, listen: str | None = None) -> None:
        self._config_file = config_file
        self._stop = threading.Event()
        self._busy: set[str] = set()
        self._busy_lock = threading.Lock()
        self._reload_lock = threading.Lock()
        self._told_faults: dict[str, float] = {}
        self._signals: SimpleQueue[int] = SimpleQueue()
        self._scheduler = SlotScheduler(clock.now, clock.monotonic, self._failed)
        config = load_config(config_file)
        problem = listen_problem(config, listen or config.web.listen)
        if problem:
            raise UsageError(f"--listen: {problem}")
        wiring = wire(config)
        store = _open_locked(state_url(wiring.config))
        self.context = make_context(clock, store, wiring, wake=self._scheduler.wake, stopping=self._stop.is_set)
        # Nobody runs a program before it was installed, or twice at the same time.
        installed_at = Path(__file__).stat().st_mtime
        self.context.not_before = max(installed_at, self.context.alive_before or 0.0)
        self._evaluators = ThreadPoolExecutor(EVALUATORS, thread_name_prefix="evaluate")
        self._slow_evaluators = ThreadPoolExecutor(EVALUATORS, thread_name_prefix="evaluate-slow")
        self._senders = ThreadPoolExecutor(SENDERS, thread_name_prefix="deliver")
        self._clerks = {name: ThreadPoolExecutor(1, thread_name_prefix=name) for name in CLERKS}
        self._queue = jobs.make_queue(self.context, self._senders)
        self._listen = listen or config.web.listen
        self._ear = jobs.CommandEar()
        self._web = WebServer(
            create_app(web_ports(self.context, self.reload, lambda: not self._stop.is_set())), self._listen
        )

    def run(self) -> None:
        """Watch until told to stop."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.on_signal)
        wiring = self.context.wiring
        log.info(
            "watching %s: %s; page on http://%s/", wiring.config.site.name, wiring.summary, wiring.config.web.listen
        )
        for warning in wiring.warnings:
            log.warning("%s", warning)
        self._schedule()
        self._web.start()
        self._ear.follow(self.context)
        self._submit("members", "silences", partial(jobs.read_silences, self.context))
        self._submit("report", "meanwhile", partial(jobs.make_up_history, self.context))
        self._submit("report", "reports", partial(jobs.make_due_reports, self.context))
        self._submit("report", "facts", partial(jobs.refresh_facts, self.context))
        self._submit("ledger", "ledger", partial(jobs.fill_ledger, self.context))
        self._scheduler.run_until(self._stop, self._run_what_is_due)
        self._shut_down()

    def stop(self) -> None:
        """End `run` soon."""
        self._stop.set()
        self._scheduler.wake()

    def on_signal(self, number: int, _frame: object = None) -> None:
        """Note a signal. It may come while this very thread holds a lock, so nothing here takes one."""
        self._signals.put(number)
        self._scheduler.wake()

    def reload(self) -> None:
        """Build everything from the files anew, then swap. Raises WatchmanError and changes nothing on a fault."""
        with self._reload_lock:
            self._reload()

    def _reload(self) -> None:
        context = self.context
        try:
            wiring = wire(load_config(self._config_file))
            if state_url(wiring.config) != state_url(context.wiring.config):
                raise WatchmanError("state.url cannot change while watchman runs; restart it")
        except WatchmanError:
            context.metrics.reload_ok.set(0)
            raise
        # From here on nothing may fail: the old wiring is gone.
        old, context.wiring = context.wiring, wiring
        context.wired_at = context.clock.now()
        old.close()
        context.silences = context.silences if wiring.members else ()
        self._scheduler.clear()
        self._schedule()
        jobs.forget_removed_rules(context)
        self._ear.follow(context)
        context.metrics.reload_ok.set(1)
        context.metrics.reload_time.set(context.clock.now())
        log.info("configuration loaded: %s", wiring.summary)

    def _schedule(self) -> None:
        wiring = self.context.wiring
        for group in (*wiring.groups, BUILT_IN_GROUP):
            offset_s = slot_offset(group.key, group.interval_s)
            self._scheduler.at_slots(group.interval_s, partial(self._start_group, group), offset_s=offset_s)
        if self.context.missed:
            self._every(15.0, "report", "meanwhile", jobs.make_up_history)
        self._every(60.0, "report", "reports", jobs.make_due_reports)
        self._every(60.0, "report", "facts", jobs.refresh_facts)
        self._every(600.0, "ledger", "ledger", jobs.fill_ledger)
        self._every(300.0, "upkeep", "housekeeping", jobs.housekeeping)
        self._every(15.0, "upkeep", "stuck", jobs.look_for_stuck)
        self._every(15.0, "upkeep", "stand in", jobs.stand_in)
        self._every(60.0, "upkeep", "drill", jobs.drill)
        self._every(15.0, "upkeep", "watchdog", jobs.look_for_watchdog)
        self._every(2.0, "look", "own silences", jobs.notice_silences)
        self._every(15.0, "look", "away", jobs.watch_away)
        self._every(2.0, "look", "look", jobs.look_at_home)
        self._every(600.0, "look", "scraped", jobs.check_scraped)
        self._every(15.0, "members", "members", jobs.look_at_members)
        if wiring.members:
            self._every(15.0, "members", "silences", jobs.read_silences)
            self._every(5.0, "forward", "forward", jobs.forward)
        if wiring.config.heartbeat is not None:
            self._every(wiring.config.heartbeat.interval, "upkeep", "heartbeat", jobs.heartbeat)

    def _every(self, interval_s: float, clerk: str, name: str, job: Callable[[Context], None]) -> None:
        work = partial(job, self.context)
        self._scheduler.at_slots(interval_s, lambda _slot, _missed: self._submit(clerk, name, work))

    def _start_group(self, group: Group, slot: float, missed: int) -> None:
        """Evaluate a group unless its last evaluation is still under way: then this slot is missed."""
        took_s = self.context.group_took_s.get(group.key, 0.0)
        pool = self._evaluators if took_s < SLOW_GROUP_S else self._slow_evaluators
        if not self._start(pool, group.key, partial(evaluate, self.context, group, slot, missed)):
            self.context.metrics.iterations.labels(group.key).inc()
            self.context.metrics.missed.labels(group.key).inc()

    def _run_what_is_due(self) -> None:
        self._heed_signals()
        context, now = self.context, self.context.clock.now()
        if context.dispatch_wanted.is_set() or now >= context.next_dispatch_at:
            self._submit("dispatch", "dispatch", partial(jobs.dispatch, context))
        if context.delivery_wanted.is_set() or now >= context.next_delivery_at:
            self._submit("send", "deliver", partial(jobs.deliver, context, self._queue))
        if context.wiring.members and context.forward_wanted.is_set():
            self._submit("forward", "forward", partial(jobs.forward, context))

    def _heed_signals(self) -> None:
        while not self._signals.empty():
            if self._signals.get() == signal.SIGHUP:
                self._submit("report", "reload", self._reload_quietly)
            else:
                self.stop()

    def _submit(self, clerk: str, name: str, work: Job) -> None:
        self._start(self._clerks[clerk], name, work)

    def _start(self, pool: ThreadPoolExecutor, name: str, work: Job) -> bool:
        """Run `work` in a pool unless it is waiting or running; True if it was started."""
        with self._busy_lock:
            if name in self._busy or self._stop.is_set():
                return False
            self._busy.add(name)
        pool.submit(work).add_done_callback(partial(self._finished, name))
        return True

    def _finished(self, name: str, future: Future[None]) -> None:
        with self._busy_lock:
            self._busy.discard(name)
        error = None if future.cancelled() else future.exception()
        if isinstance(error, Exception):
            self._failed(error)
        self._scheduler.wake()

    def _failed(self, error: Exception) -> None:
        """A job failed in a way it did not foresee: tell it with the place, go on with everything else."""
        expected = isinstance(error, WatchmanError)
        if expected and not self._is_new(str(error)):
            return
        log.error("%s", error if expected else f"unexpected {error!r}", exc_info=None if expected else error)

    def _is_new(self, fault: str) -> bool:
        now = self.context.clock.monotonic()
        with self._busy_lock:
            self._told_faults = {text: at for text, at in self._told_faults.items() if now - at < SAME_FAULT_S}
            is_new = fault not in self._told_faults
            self._told_faults.setdefault(fault, now)
        return is_new

    def _reload_quietly(self) -> None:
        try:
            self.reload()
        except WatchmanError as error:
            log.error("the old configuration stays in force: %s", error)

    def _shut_down(self) -> None:
        """Let what runs come to its end, but not for long; all that counts is committed already."""
        log.info("stopping")
        clock = self.context.clock
        deadline = clock.monotonic() + SHUTDOWN_S
        self._web.close()
        self._ear.stop()
        for pool in (self._evaluators, self._slow_evaluators, *self._clerks.values()):
            pool.shutdown(wait=False, cancel_futures=True)
        while self._busy and clock.monotonic() < deadline:
            clock.sleep(0.05)
        sent = self._queue.join(max(0.0, deadline - clock.monotonic()))
        self._senders.shutdown(wait=False, cancel_futures=True)
        jobs.housekeeping(self.context)
        self.context.wiring.close()
        self.context.store.close()
        if self._busy or not sent:
            # Threads that wait for an answer would hold the process; their rows are due again after the restart.
            logging.shutdown()
            os._exit(0)


def web_ports(context: Context, reload: Job, is_running: Callable[[], bool]) -> Ports:
    """What page and API may read and do in this daemon."""
    return Ports(
        overview=partial(views.overview, context),
        rules=partial(views.rule_statuses, context),
        metrics=context.metrics.render,
        is_ready=lambda: views.is_ready(context) and is_running(),
        reload=reload,
        take_webhook=partial(jobs.take_webhook, context),
        access=lambda: views.access(context.wiring.config),
        companion=make_companion(context),
        offer=partial(actions.offer, context),
        perform=lambda token: actions.perform(context, token, "link"),
    )


def make_context(
    clock: Clock,
    store: Store,
    wiring: Wiring,
    *,
    wake: Job = lambda: None,
    stopping: Callable[[], bool] = lambda: False,
) -> Context:
    """What jobs work with, with the memory of the process before."""
    with store.begin() as connection:
        book = Book(load_alerts(connection))
        alive_before = get_fact(connection, jobs.ALIVE)
        usual = get_fact(connection, jobs.USUAL)
        away = get_away(connection)
        key = order_key(connection, clock.now())
        posted.keep_open(connection, clock.now() + wiring.config.resolve_timeout)
        theirs = silences.load_theirs(connection) if wiring.members else ()
    metrics = Metrics(book.every_alert, lambda: views.gauges(context))
    metrics.reload_ok.set(1)
    metrics.reload_time.set(clock.now())
    context = Context(
        clock=clock,
        store=store,
        wiring=wiring,
        book=book,
        metrics=metrics,
        alive_before=alive_before,
        wake=wake,
        stopping=stopping,
        started_at=clock.now(),
        silences=theirs,
        facts=usual or {},
        is_away=wiring.config.site.away or away.on,
        order_key=key,
    )
    # Rules may have been taken away while nobody ran. The others have a past to make up for.
    jobs.forget_removed_rules(context)
    context.restored.clear()
    context.missed = jobs.missed_times(context)
    return context


def evaluate(context: Context, group: Group, slot: float, missed: int) -> None:
    """Evaluate a group. What a reload took away meanwhile must leave nothing behind that would never end."""
    try:
        jobs.evaluate_group(context, group, slot, missed)
    finally:
        if not any(group is one for one in (*context.wiring.groups, BUILT_IN_GROUP)):
            jobs.forget_removed_rules(context)


def _open_locked(url: str) -> Store:
    store = open_store(url)
    if not store.lock():
        store.close()
        raise StoreError(f"another watchman already runs on {store.path}; stop it, or give this one its own state.url")
    return store


def run_daemon(config_file: Path, listen: str | None) -> None:
    """Run the daemon until it is told to stop."""
    use_utc()
    Daemon(config_file, Clock(), listen).run()
