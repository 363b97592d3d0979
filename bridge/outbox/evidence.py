"""Did a message leave although nobody told us? WHMCS's own logs say so.

Only rows beyond a mark are looked at: the highest id before the first attempt whose outcome is open. Ids and not times,
because WHMCS writes times in the shop's own zone by another machine's clock.
"""

import html
import re
from collections.abc import Iterable

import peewee

from bridge.models.companion import OutboxMessage
from bridge.models.whmcs import ActivityLogEntry, Email, EmailTemplate, Ticket
from bridge.outbox import messages

_LOGS: dict[str, type[Email] | type[ActivityLogEntry] | type[Ticket]] = {
    messages.MAIL: Email,
    messages.ACTIVITY: ActivityLogEntry,
    messages.TICKET: Ticket,
}


def mark(kind: str) -> int:
    """The highest row so far of the log in which a message of this kind shows up."""
    log = _LOGS[kind]
    highest: int | None = log.select(peewee.fn.MAX(log.id)).scalar()
    return highest or 0


def found(message: OutboxMessage) -> bool:
    """Whether WHMCS's log shows the message beyond its mark.

    Other messages of the same client cannot be mistaken for it, as they do not leave while its outcome is open.
    """
    payload = messages.payload_of(message)
    if message.kind == messages.MAIL:
        return _mail_left(message, payload["template"])
    if message.kind == messages.ACTIVITY:
        entries = ActivityLogEntry.select(ActivityLogEntry.description).where(
            ActivityLogEntry.id > message.evidence_after, ActivityLogEntry.userid == message.client_id
        )
        return _same_text((entry.description for entry in entries), payload["description"])
    tickets = Ticket.select(Ticket.title).where(Ticket.id > message.evidence_after, Ticket.userid == message.client_id)
    return _same_text((ticket.title for ticket in tickets), payload["subject"])


def _mail_left(message: OutboxMessage, template: str) -> bool:
    rows = Email.select(Email.subject).where(Email.id > message.evidence_after, Email.userid == message.client_id)
    if _keeps_failed_mails():
        rows = rows.where(Email.failed == 0)
    subjects = [_plain(row.subject) for row in rows]
    return bool(subjects) and any(
        re.fullmatch(pattern, subject, re.IGNORECASE | re.DOTALL)
        for pattern in _subject_patterns(template)
        for subject in subjects
    )


def _subject_patterns(template: str) -> list[str]:
    """The template's subjects in all languages as regular expressions."""
    rows = EmailTemplate.select(EmailTemplate.subject).where(EmailTemplate.name == template)
    return [_pattern(row.subject) for row in rows]


def _pattern(subject: str) -> str:
    """A subject whose merge fields stand for any text; one with conditions or loops may become any text at all."""
    if re.search(r"\{(if|foreach|section)\b", subject):
        return ".*"
    return ".*".join(re.escape(_plain(part)) for part in re.split(r"\{[^}]*\}", subject))


def _same_text(texts: Iterable[str], wanted: str) -> bool:
    return any(_plain(text) == _plain(wanted) for text in texts)


def _keeps_failed_mails() -> bool:
    """Newer versions of WHMCS keep mails that the mailer refused in the same table, marked as failed."""
    columns = Email._meta.database.get_columns(Email._meta.table_name)
    return any(column.name == "failed" for column in columns)


def _plain(text: str) -> str:
    """`text` without WHMCS's HTML entities and with single blanks."""
    return " ".join(html.unescape(text).split())
