"""Mail of our own: an own text part, pictures inside the HTML, one transaction, and the server's own words back.

Apprise reads the URL (server, mode, sender, recipients); the message is the standard library's. Layout: alternative
of the text and of related(HTML, pictures by Content-ID); files the HTML does not show are attached.
"""

from __future__ import annotations

import hashlib
import re
import smtplib
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Any

from watchman.errors import DeliveryError
from watchman.notify.message import Attachment, Message
from watchman.notify.orders import MENU_TITLE
from watchman.notify.severity import CRITICAL
from watchman.notify.words import clean, one_line

# Seven-bit bodies pass every server, 8BITMIME or not.
_POLICY = SMTP.clone(cte_type="7bit")
_FORBIDDEN_HEADERS = re.compile(r"(?i)(content-.*|mime-version|from|to|cc|bcc|date|subject|message-id)")
_PICTURE = re.compile(r"""<img\b[^>]*\bsrc=["']?cid:([^"'>\s]+)[^>]*>""", re.IGNORECASE)
_PARTLY_REFUSED_PAUSE_S = 600.0


def wants_pgp(service: Any) -> bool:
    """True if the URL asks for signing or encryption, which only Apprise does."""
    return str(getattr(service.pgp_mode, "value", service.pgp_mode)) not in ("no", "none", "None", "")


def build_mail(message: Message, service: Any, now: float, identity: str = "") -> EmailMessage:
    """The mail for a NotifyEmail object. The same `identity` gives the same Message-ID, so a repeat is recognised."""
    mail = EmailMessage(policy=_POLICY)
    name, address = service.from_addr
    domain = address.rpartition("@")[2]
    mail["From"] = _address(name or "", address)
    mail["To"] = [_address(to_name or "", to) for to_name, to in service.targets]
    if service.cc:
        mail["Cc"] = [_address(service.names.get(one) or "", one) for one in sorted(service.cc)]
    if service.reply_to:
        mail["Reply-To"] = [_address(service.names.get(one) or "", one) for one in sorted(service.reply_to)]
    mail["Subject"] = one_line(message.title)
    mail["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    mail["Message-ID"] = _message_id(identity, domain)
    mail["Auto-Submitted"] = "auto-generated"
    if message.severity == CRITICAL:
        mail["Importance"] = "high"
    _own_headers(mail, service.headers)
    _fill(mail, message)
    return mail


def send_mail(message: Message, service: Any, now: float, timeout_s: float, identity: str = "") -> str:
    """Hand the mail to the server of the URL; returns its answer, raises DeliveryError."""
    mail = build_mail(message, service, now, identity)
    targets = [to for _, to in service.targets]
    recipients = list(dict.fromkeys([*targets, *sorted(service.cc), *sorted(service.bcc)]))
    where = f"mail server {service.smtp_host}:{service.port}"
    # The URL may ask for less patience (`?rto=`).
    timeout_s = min(timeout_s, float(service.socket_read_timeout))
    try:
        with _connect(service, timeout_s) as smtp:
            return _transaction(smtp, service.from_addr[1], recipients, mail)
    except DeliveryError as error:
        raise DeliveryError(f"{where}: {error}", permanent=error.permanent, retry_after_s=error.retry_after_s) from None
    except smtplib.SMTPResponseException as error:
        raise _response_error(where, error) from None
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise DeliveryError(f"{where}: {_words(error)}") from None


def _connect(service: Any, timeout_s: float) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if not service.verify_certificate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    mode = str(getattr(service.secure_mode, "value", service.secure_mode))
    host, port = service.smtp_host, int(service.port)
    smtp = (
        smtplib.SMTP_SSL(host, port, timeout=timeout_s, context=context)
        if mode == "ssl"
        else smtplib.SMTP(host, port, timeout=timeout_s)
    )
    try:
        if mode == "starttls":
            smtp.starttls(context=context)
        if service.user and service.password:
            smtp.login(service.user, service.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _transaction(smtp: smtplib.SMTP, sender: str, recipients: list[str], mail: EmailMessage) -> str:
    smtp.ehlo_or_helo_if_needed()
    options = ["SMTPUTF8"] if not "".join([sender, *recipients]).isascii() and smtp.has_extn("smtputf8") else []
    _expect(smtp.mail(sender, options), f"sender {sender} refused")
    refused = {}
    for recipient in recipients:
        code, answer = smtp.rcpt(recipient)
        if code >= 400:
            refused[recipient] = (code, answer)
    if len(refused) < len(recipients):
        answer_text = _expect(smtp.data(mail.as_bytes()), "message refused")
        if not refused:
            return answer_text
    raise _refused_recipients(refused, len(refused) == len(recipients))


def _expect(reply: tuple[int, bytes], what: str) -> str:
    code, answer = reply
    text = f"{code} {_text(answer)}"
    if code >= 400:
        raise DeliveryError(f"{what}: {text}", permanent=code >= 500)
    return text


def _refused_recipients(refused: dict[str, tuple[int, bytes]], nobody: bool) -> DeliveryError:
    """If somebody did get the mail, trying again soon would only send it to them again."""
    named = "; ".join(f"{one} refused: {code} {_text(answer)}" for one, (code, answer) in refused.items())
    permanent = all(code >= 500 for code, _ in refused.values())
    return DeliveryError(named, permanent=permanent, retry_after_s=None if nobody else _PARTLY_REFUSED_PAUSE_S)


def _response_error(where: str, error: smtplib.SMTPResponseException) -> DeliveryError:
    permanent = error.smtp_code >= 500
    return DeliveryError(f"{where}: {error.smtp_code} {_text(error.smtp_error)}", permanent=permanent)


def _words(error: Exception) -> str:
    causes: tuple[tuple[type[Exception], str], ...] = (
        (TimeoutError, "no answer in time"),
        (ConnectionRefusedError, "connection refused"),
        (smtplib.SMTPServerDisconnected, "the connection broke off"),
        (ssl.SSLCertVerificationError, "its TLS certificate is not accepted"),
        (smtplib.SMTPNotSupportedError, one_line(str(error))),
    )
    found = next((words for kind, words in causes if isinstance(error, kind)), "")
    return found or getattr(error, "strerror", None) or one_line(str(error)) or type(error).__name__


def _text(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return one_line(text)[:200]


def _address(name: str, address: str) -> Address:
    return Address(display_name=one_line(name), addr_spec=one_line(address))


def _message_id(identity: str, domain: str) -> str:
    if not identity:
        return make_msgid("watchman", domain)
    return f"<{hashlib.sha256(identity.encode()).hexdigest()[:32]}.watchman@{domain}>"


def _own_headers(mail: EmailMessage, headers: dict[str, str]) -> None:
    """Headers the URL adds (`+Name=value`); those that hold the mail together stay ours."""
    for name, value in headers.items():
        if re.fullmatch(r"[A-Za-z0-9-]+", name) and not _FORBIDDEN_HEADERS.fullmatch(name):
            del mail[name]
            mail[name] = one_line(value)


def _fill(mail: EmailMessage, message: Message) -> None:
    text = clean(message.text).rstrip() + "\n"
    if message.choices is not None and message.choices.menu:
        text += f"\n{MENU_TITLE}: {message.choices.menu}\n"
    mail.set_content(text, cte=_encoding(text))
    shown, loose = _by_use(message)
    if message.html is not None:
        html_text = _without_missing(message.html, [one.name for one in shown])
        mail.add_alternative(html_text, subtype="html", cte=_encoding(html_text))
        html = mail.get_payload()[-1]  # type: ignore[index]
        for one in shown:
            _add(html.add_related, one, disposition="inline", cid=f"<{_file_name(one)}>")  # type: ignore[union-attr]
    for one in loose:
        _add(mail.add_attachment, one)


def _without_missing(html: str, names: list[str]) -> str:
    """The HTML without pictures that are not in the mail: a chart may have failed."""
    return _PICTURE.sub(lambda found: found.group() if found.group(1) in names else "", html)


def _encoding(text: str) -> str:
    """Seven bits where the text has them; quoted-printable else, which stays readable and is no sign of spam."""
    short = all(len(line) < 990 for line in text.splitlines())
    return "7bit" if text.isascii() and short else "quoted-printable"


def _by_use(message: Message) -> tuple[list[Attachment], list[Attachment]]:
    """Attachments the HTML shows, and the others."""
    html = message.html or ""
    shown = [one for one in message.attachments if f"cid:{one.name}" in html]
    return shown, [one for one in message.attachments if one not in shown]


def _add(add: Callable[..., Any], one: Attachment, **how: str) -> None:
    main, _, sub = one.mimetype.partition("/")
    add(one.content, maintype=main or "application", subtype=sub or "octet-stream", filename=_file_name(one), **how)


def _file_name(one: Attachment) -> str:
    return re.sub(r"[^\w.@-]", "_", one.name) or "file"
