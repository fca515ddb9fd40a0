"""Rules: loading, evaluating, the life of an alert.

An alert is born *pending* when its expression first returns an element, begins *firing* once that has lasted `for`,
stays firing for `keep_firing_for` after the element is gone, and is then *inactive* (resolved). A failed query changes
nothing. Every step takes the time as an argument, so the same code runs live, in tests and over history.
"""
