"""Alertmanager's company: tell every member of a cluster what fires, read its silences.

What it is told is a state, not a message: the latest of every alert, again and again, and an end a little ahead, so
that an Alertmanager that hears no more from here closes the alert by itself.
"""
