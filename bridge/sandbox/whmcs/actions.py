"""The actions of the API that the product uses, and a few more that a test or a visitor of the demo may want."""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from bridge.models.whmcs import (
    ActivityLogEntry,
    Client,
    Email,
    EmailTemplate,
    Product,
    Server,
    Service,
    Ticket,
    TicketDepartment,
)
from bridge.sandbox.whmcs.answers import Refused
from bridge.sandbox.whmcs.mail import send_template, unserialize
from bridge.sandbox.whmcs.merge_fields import configuration
from bridge.sandbox.whmcs.module_calls import MODULE_ACTIONS, call_module
from bridge.sandbox.whmcs.shop import Shop

Fields = Mapping[str, str]
Action = Callable[[Shop, Fields], dict[str, Any]]


def send_email(shop: Shop, fields: Fields) -> dict[str, Any]:
    """SendEmail, for templates of products."""
    if not fields.get("messagename"):
        raise Refused("You must provide either an existing email template name or a custom message type")
    if not fields.get("id"):
        raise Refused("A related ID is required")
    extra: dict[str, str] = {}
    if fields.get("customvars"):
        try:
            extra = unserialize(base64.b64decode(fields["customvars"], validate=True))
        except (binascii.Error, UnicodeDecodeError):
            raise Refused("The custom variables you provided are invalid.") from None
    send_template(shop, fields["messagename"], _number(fields, "id"), extra)
    return {}


def encrypt_password(shop: Shop, fields: Fields) -> dict[str, Any]:
    """EncryptPassword; what it encrypts is what WHMCS made of the input, entities and all."""
    return {"password": shop.passwords.encrypt(fields.get("password2", ""))}


def decrypt_password(shop: Shop, fields: Fields) -> dict[str, Any]:
    """DecryptPassword."""
    return {"password": shop.passwords.decrypt(fields.get("password2", ""))}


def log_activity(shop: Shop, fields: Fields) -> dict[str, Any]:
    """LogActivity."""
    if not fields.get("description"):
        raise Refused("A description is required")
    ActivityLogEntry.create(
        date=shop.now(),
        description=fields["description"],
        user="API",
        userid=_number(fields, "clientid") or _number(fields, "userid"),
        ipaddr="127.0.0.1",
    )
    return {}


def open_ticket(shop: Shop, fields: Fields) -> dict[str, Any]:
    """OpenTicket for a client."""
    client, department = _number(fields, "clientid"), _number(fields, "deptid")
    service = _number(fields, "serviceid")
    if not Client.get_or_none(Client.id == client):
        raise Refused("Client ID Not Found")
    if not TicketDepartment.get_or_none(TicketDepartment.id == department):
        raise Refused("Department ID not found")
    for name in ("subject", "message"):
        if not fields.get(name):
            raise Refused(f"{name.title()} is required")
    if service and not Service.get_or_none(Service.id == service, Service.userid == client):
        raise Refused("Service ID Not Found")
    ticket = Ticket.create(
        did=department,
        userid=client,
        c="sandbox",
        date=shop.now(),
        title=fields["subject"],
        message=fields["message"],
        status="Open",
        urgency=fields.get("priority") or "Medium",
        service=f"S{service}" if service else "",
        tid="",
    )
    number = f"{(ticket.id * 7919 + 100_000) % 900_000 + 100_000}"
    Ticket.update(tid=number).where(Ticket.id == ticket.id).execute()
    return {"id": ticket.id, "tid": number, "c": "sandbox"}


def get_emails(shop: Shop, fields: Fields) -> dict[str, Any]:
    """GetEmails, the newest first."""
    client = _number(fields, "clientid")
    if not Client.get_or_none(Client.id == client):
        raise Refused("Client ID Not Found")
    query = Email.select().where(Email.userid == client, Email.subject.contains(fields.get("subject", "")))
    start, number = _number(fields, "limitstart"), _number(fields, "limitnum") or 25
    rows = [
        {name: str(getattr(mail, name)) for name in ("id", "userid", "subject", "message", "date", "to", "cc", "bcc")}
        for mail in query.order_by(Email.id.desc()).offset(start).limit(number)
    ]
    return _listed(query.count(), rows, "emails", "email", start)


def get_support_departments(shop: Shop, fields: Fields) -> dict[str, Any]:
    """GetSupportDepartments."""
    rows = [
        {"id": str(row.id), "name": row.name, "awaitingreply": "0", "opentickets": "0"}
        for row in TicketDepartment.select().order_by(TicketDepartment.order, TicketDepartment.id)
    ]
    return {"totalresults": str(len(rows)), "departments": {"department": rows}}


def get_email_templates(shop: Shop, fields: Fields) -> dict[str, Any]:
    """GetEmailTemplates of one type and language."""
    query = EmailTemplate.select().where(EmailTemplate.language == fields.get("language", ""))
    if fields.get("type"):
        query = query.where(EmailTemplate.type == fields["type"])
    rows = [
        {"id": str(row.id), "name": row.name, "subject": row.subject, "custom": bool(row.custom)}
        for row in query.order_by(EmailTemplate.name)
    ]
    return {"totalresults": str(len(rows)), "emailtemplates": {"emailtemplate": rows}}


def get_clients_products(shop: Shop, fields: Fields) -> dict[str, Any]:
    """GetClientsProducts; passwords are in clear, as WHMCS gives them."""
    query = Service.select()
    for name, column in (("clientid", Service.userid), ("serviceid", Service.id), ("pid", Service.packageid)):
        if _number(fields, name):
            query = query.where(column == _number(fields, name))
    start, number = _number(fields, "limitstart"), _number(fields, "limitnum") or 25
    rows = [_service(shop, row) for row in query.order_by(Service.id).offset(start).limit(number)]
    return _listed(query.count(), rows, "products", "product", start)


def get_configuration_value(shop: Shop, fields: Fields) -> dict[str, Any]:
    """GetConfigurationValue."""
    name = fields.get("setting", "")
    return {"setting": name, "value": configuration(name)}


def _service(shop: Shop, row: Service) -> dict[str, Any]:
    product = Product.get_or_none(Product.id == row.packageid) or Product()
    server = Server.get_or_none(Server.id == row.server) or Server()
    return {
        "id": str(row.id),
        "clientid": str(row.userid),
        "orderid": str(row.orderid),
        "pid": str(row.packageid),
        "name": product.name,
        "domain": row.domain,
        "dedicatedip": row.dedicatedip,
        "assignedips": row.assignedips,
        "serverid": str(row.server),
        "servername": server.name,
        "serverhostname": server.hostname,
        "status": row.domainstatus,
        "username": row.username,
        "password": shop.passwords.decrypt(row.password),
        "customfields": {"customfield": []},
        "configoptions": {"configoption": []},
    }


def _listed(total: int, rows: list[dict[str, Any]], outer: str, inner: str, start: int) -> dict[str, Any]:
    return {"totalresults": str(total), "startnumber": start, "numreturned": len(rows), outer: {inner: rows}}


def _number(fields: Fields, name: str) -> int:
    text = fields.get(name, "")
    return int(text) if text.isdecimal() else 0


def _module_action(function: str) -> Action:
    def carry_out(shop: Shop, fields: Fields) -> dict[str, Any]:
        call_module(shop, function, _number(fields, "serviceid") or _number(fields, "accountid"), fields)
        return {}

    return carry_out


ACTIONS: dict[str, Action] = {
    "sendemail": send_email,
    "encryptpassword": encrypt_password,
    "decryptpassword": decrypt_password,
    "logactivity": log_activity,
    "openticket": open_ticket,
    "getemails": get_emails,
    "getsupportdepartments": get_support_departments,
    "getemailtemplates": get_email_templates,
    "getclientsproducts": get_clients_products,
    "getconfigurationvalue": get_configuration_value,
    **{action: _module_action(function) for action, function in MODULE_ACTIONS.items()},
}
