"""SendEmail: choose the template's language, fill it in, put the mail into the client's log and let it leave."""

import html
import re
from collections.abc import Mapping

from bridge.models.whmcs import Client, Email, EmailTemplate, Service
from bridge.sandbox.whmcs.answers import Refused
from bridge.sandbox.whmcs.merge_fields import configuration, fields_of, render
from bridge.sandbox.whmcs.shop import Mail, Shop

_SENDING_FAILED = "Sending Failed. Please see documentation."
_MARKUP = re.compile(r"</?(p|div|span|a|b|strong|i|em|u|ul|ol|li|h[1-6])(\s[^<>]*)?>", re.IGNORECASE)
_SERIALIZED = re.compile(rb's:(\d+):"')


def send_template(shop: Shop, name: str, service_id: int, extra: Mapping[str, str]) -> None:
    """Send the product template `name` about a service. Raises Refused with WHMCS's own texts."""
    service = Service.get_or_none(Service.id == service_id)
    client = Client.get_or_none(Client.id == service.userid) if service else None
    template = _template(name, client.language if client else "")
    if template.disabled:
        raise Refused("Email Template is disabled")
    if service is None or client is None:
        raise Refused(_SENDING_FAILED)
    fields = {**fields_of(shop, service), **extra}
    subject, body = render(template.subject, fields), render(template.message, fields)
    if not body.strip():
        raise Refused(_SENDING_FAILED)
    _log(shop, client, subject, body)
    shop.mails.append(Mail(client.email, html.unescape(subject), _read(body), name, service_id))


def _read(body: str) -> str:
    """What the client reads of an HTML body. Only tags that texts are written with are taken out: a password may hold a <."""
    lines = re.sub(r"<br\s*/?>\n?", "\n", re.sub(r"</p>\n?", "\n\n", body))
    return html.unescape(_MARKUP.sub("", lines)).strip()


def _template(name: str, language: str) -> EmailTemplate:
    """The template in the client's language, else the default one."""
    variants = {
        row.language.lower(): row
        for row in EmailTemplate.select().where(EmailTemplate.name == name, EmailTemplate.type == "product")
    }
    if "" not in variants:
        raise Refused("Email Template not found")
    default: EmailTemplate = variants[""]
    return variants.get(language.lower(), default) if not default.disabled else default


def _log(shop: Shop, client: Client, subject: str, body: str) -> None:
    Email.create(
        userid=client.id,
        subject=subject,
        message=body,
        date=shop.now(),
        to=f"{client.firstname} {client.lastname} <{client.email}>",
        cc="",
        bcc=configuration("BCCMessages"),
        attachments="[]",
        failed=0,
    )


def unserialize(data: bytes) -> dict[str, str]:
    """PHP's unserialize for a flat map of strings, written down independently of the client's. Raises Refused."""
    strings: list[str] = []
    position, head = 0, re.match(rb"a:(\d+):\{", data)
    if head is None:
        raise Refused("The custom variables you provided are invalid.")
    position = head.end()
    while match := _SERIALIZED.match(data, position):
        end = match.end() + int(match.group(1))
        strings.append(data[match.end() : end].decode())
        position = end + 2
    if data[position:] != b"}" or len(strings) != 2 * int(head.group(1)):
        raise Refused("The custom variables you provided are invalid.")
    return dict(zip(strings[::2], strings[1::2], strict=True))
