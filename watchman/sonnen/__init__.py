"""The Sonnen exporter, a sidecar that also runs alone, and the simulated battery.

A poller asks one battery, one request at a time: `plan` says what and when, `client` asks, `answers` and what it names
read the answer, `learn` makes the next state of it. A scrape turns the states into text by `collector` and
`exposition` and never touches a battery.
"""
