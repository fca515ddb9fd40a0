"""Notifications: from alerts to messages that a service has accepted.

`dispatch` decides (pure): routes, inhibition, silences and time intervals, severities and news, groups, repeats. It
works from the alerts and from the log of what each receiver was told, and from nothing else, so it decides the same
live, after a crash and in a replay. `render` makes the words. `queue` takes rows from the outbox and `sender` delivers
each to one Apprise URL; what failed is tried again by `retry`, for three days.
"""
