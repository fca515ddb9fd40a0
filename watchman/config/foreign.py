"""Keys of an alertmanager.yml that watchman does not have, and what to write instead."""

from __future__ import annotations

# What stands for a receiver of Alertmanager; https://github.com/caronc/apprise/wiki has every service.
APPRISE_FOR = {
    "email_configs": "mailtos://user:password@smtp.example.org/?from=a@example.org&to=b@example.org",
    "webhook_configs": "jsons://example.org/path",
    "slack_configs": "slack://tokenA/tokenB/tokenC/#channel",
    "telegram_configs": "tgram://bottoken/chatid",
    "pushover_configs": "pover://user@token",
    "pagerduty_configs": "pagerduty://integrationkey@apikey",
    "opsgenie_configs": "opsgenie://apikey",
    "discord_configs": "discord://webhookid/webhooktoken",
    "msteams_configs": "msteams://tokenA/tokenB/tokenC/",
    "msteamsv2_configs": "workflows://host/workflow/signature/",
    "sns_configs": "sns://accesskey/secretkey/region/topic",
    "victorops_configs": "splunk://routingkey@apikey",
    "webex_configs": "wxteams://token",
    "rocketchat_configs": "rockets://user:password@example.org/#channel",
}


def unknown_key(path: tuple[str | int, ...]) -> str:
    """What to say of a key that does not exist; Alertmanager's own get the mend."""
    key = str(path[-1])
    if path[0] == "receivers" and key.endswith("_configs"):
        url = APPRISE_FOR.get(key, "its Apprise URL")
        return f"is Alertmanager's; watchman delivers through Apprise: write apprise: [{url!r}] instead"
    if path == ("global",):
        return "is Alertmanager's; leave it out: addresses and passwords stand in the receivers' Apprise URLs"
    if path == ("templates",):
        return "is Alertmanager's; leave it out: its Go templates are not read"
    return "unknown key; see docs/configuration.md, or watchman schema, for those that exist"
