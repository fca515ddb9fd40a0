"""What the daemon does: the program on one page.

    evaluate_group     ask Prometheus, let the engine decide, commit what changed           every slot of a group
    dispatch           alerts + what was told before -> outbox rows and log, one commit     when something is due
    deliver            outbox -> services, retried until accepted                           when a row is due
    make_due_reports   a period has ended -> worker -> outbox rows and mark, one commit     every minute
    make_up_history    what happened while nobody watched, into the history        after an outage of more than an hour
    refresh_facts      what is usual for this home, from the ledger, for rules and page     at start, once a day
    fill_ledger        every day Prometheus has and the energy ledger lacks -> worker       at start, every 6 hours
    forward            state of the alerts -> every Alertmanager                            at a change, and every 5 s
    read_silences      those of the Alertmanager are obeyed                                 every 15 s
    notice_silences    silences made or ended by a command                           every 2 s
    look_at_members    what Alertmanagers hold; take over what they do not tell, close         every 15 s
    take_webhook       what an Alertmanager tells -> outbox rows, one commit                when it is posted
    check_scraped      rules that wait for series of watchman that Prometheus lacks         every 10 min
    look_for_stuck     receivers that do not get their messages                             every 15 s
    stand_in           what they were not told, to their fallback                           every 15 s
    drill              a silent test of every receiver                                      once a month
    look_for_watchdog  when the alert that always fires came last                           every 15 s
    look_at_home       present powers for the page                                          every 2 s, while looked at
    watch_away         nobody at home: what that changes, and a sign of life                every 15 s
    CommandEar         orders that buttons post to the command topic                        while there is a topic
    heartbeat          tell somebody else that all this works                               as configured
    housekeeping       remember to be alive, forget what is old                             every 5 min

Each job is a function of a Context and ends soon; the daemon (app) runs them in small pools and nothing else decides
when.
"""

from watchman.jobs.away import watch_away
from watchman.jobs.backfilling import fill_ledger
from watchman.jobs.commands import CommandEar
from watchman.jobs.delivering import deliver, make_queue
from watchman.jobs.dispatching import dispatch
from watchman.jobs.drill import drill
from watchman.jobs.evaluate import evaluate_group
from watchman.jobs.forwarding import forward
from watchman.jobs.heartbeat import heartbeat, look_for_watchdog
from watchman.jobs.look import look_at_home
from watchman.jobs.meanwhile import make_up_history, missed_times
from watchman.jobs.members import look_at_members
from watchman.jobs.relaying import take_webhook
from watchman.jobs.reporting import USUAL, make_due_reports, refresh_facts
from watchman.jobs.scraped import check_scraped
from watchman.jobs.silences import notice_silences, read_silences
from watchman.jobs.standing_in import look_for_stuck, stand_in
from watchman.jobs.upkeep import ALIVE, forget_removed_rules, housekeeping

__all__ = [
    "ALIVE",
    "USUAL",
    "CommandEar",
    "check_scraped",
    "deliver",
    "dispatch",
    "drill",
    "evaluate_group",
    "fill_ledger",
    "forget_removed_rules",
    "forward",
    "heartbeat",
    "housekeeping",
    "look_at_home",
    "look_at_members",
    "look_for_stuck",
    "look_for_watchdog",
    "make_due_reports",
    "make_queue",
    "make_up_history",
    "missed_times",
    "notice_silences",
    "read_silences",
    "refresh_facts",
    "stand_in",
    "take_webhook",
    "watch_away",
]
