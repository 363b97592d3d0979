"""WHMCS calling the module: the parameters it hands over, and what it does after `success`."""

from collections.abc import Mapping
from typing import Any, cast

from peewee import JOIN

from bridge.models.whmcs import (
    ChosenOption,
    Client,
    ConfigurableOption,
    EmailTemplate,
    OptionChoice,
    Product,
    Server,
    Service,
)
from bridge.sandbox.whmcs.answers import Refused
from bridge.sandbox.whmcs.mail import send_template
from bridge.sandbox.whmcs.shop import Shop

MODULE_ACTIONS = {
    "modulecreate": "CreateAccount",
    "modulesuspend": "SuspendAccount",
    "moduleunsuspend": "UnsuspendAccount",
    "moduleterminate": "TerminateAccount",
    "modulechangepackage": "ChangePackage",
}
_STATUS_AFTER = {
    "CreateAccount": "Active",
    "SuspendAccount": "Suspended",
    "UnsuspendAccount": "Active",
    "TerminateAccount": "Terminated",
}


def call_module(shop: Shop, function: str, service_id: int, fields: Mapping[str, str]) -> None:
    """Run a module function for a service and follow it up. Raises Refused with the module's own text."""
    if not service_id:
        raise Refused("Service ID is required")
    service = Service.get_or_none(Service.id == service_id)
    if service is None:
        raise Refused("Service ID not found")
    if shop.module is None:
        raise Refused("Service not assigned to a module")
    parameters = module_parameters(shop, service_id) | {"suspendreason": fields.get("suspendreason", "")}
    result = shop.module(function, parameters)
    if result != "success":
        raise Refused(result)
    if function in _STATUS_AFTER:
        Service.update(domainstatus=_STATUS_AFTER[function]).where(Service.id == service_id).execute()
    if function == "CreateAccount":
        _welcome(shop, service)


def module_parameters(shop: Shop, service_id: int) -> dict[str, Any]:
    """What WHMCS passes to a provisioning function, without the `model` object. Passwords are in clear there."""
    service = Service.get_by_id(service_id)
    product = Product.get_by_id(service.packageid)
    return {
        "whmcsVersion": "8.13.1-release.1",
        "accountid": service.id,
        "serviceid": service.id,
        "addonId": 0,
        "userid": service.userid,
        "domain": service.domain,
        "username": service.username,
        "password": shop.passwords.decrypt(service.password),
        "packageid": product.id,
        "pid": product.id,
        "status": service.domainstatus,
        "qty": 1,
        "type": product.type,
        "producttype": product.type,
        "moduletype": product.servertype,
        **{f"configoption{number}": getattr(product, f"configoption{number}") for number in range(1, 25)},
        "customfields": {},
        "configoptions": _configurable_options(service_id),
        "clientsdetails": _client(service.userid),
        **_server(shop, service.server),
    }


def _server(shop: Shop, server_id: int) -> dict[str, Any]:
    server = Server.get_or_none(Server.id == server_id)
    if server is None:
        return {"server": False, "serverid": 0}
    return {
        "server": True,
        "serverid": server.id,
        "serverip": server.ipaddress,
        "serverhostname": server.hostname,
        "serverusername": server.username,
        "serverpassword": shop.passwords.decrypt(server.password),
        "serveraccesshash": server.accesshash,
        "serversecure": server.secure == "on",
        "serverhttpprefix": "https" if server.secure == "on" else "http",
        "serverport": server.port or 8006,
    }


def _client(client_id: int) -> dict[str, Any]:
    client = Client.get_by_id(client_id)
    names = ("firstname", "lastname", "companyname", "email", "address1", "city", "country", "language", "status")
    details: dict[str, Any] = {name: getattr(client, name) for name in names}
    return {"id": client.id, "userid": client.id, "fullname": f"{client.firstname} {client.lastname}", **details}


def _configurable_options(service_id: int) -> dict[str, str | int]:
    """Names and values as WHMCS hands them over: the part before the pipe; quantities as numbers."""
    query = (
        ChosenOption.select(
            ConfigurableOption.optionname,
            ConfigurableOption.optiontype,
            OptionChoice.optionname.alias("choice"),
            ChosenOption.qty,
        )
        .join(ConfigurableOption, on=(ConfigurableOption.id == ChosenOption.configid))
        .switch(ChosenOption)
        .join(OptionChoice, JOIN.LEFT_OUTER, on=(OptionChoice.id == ChosenOption.optionid))
        .where(ChosenOption.relid == service_id)
        .order_by(ConfigurableOption.order, ConfigurableOption.id)
    )
    rows = cast("list[dict[str, Any]]", query.dicts())
    return {row["optionname"].split("|")[0]: _chosen(row) for row in rows}


def _chosen(row: dict[str, Any]) -> str | int:
    if row["optiontype"] in ("3", "4"):
        return int(row["qty"])
    return str(row["choice"] or "").split("|")[0]


def _welcome(shop: Shop, service: Service) -> None:
    """WHMCS's own welcome mail, when the product names one."""
    product = Product.get_by_id(service.packageid)
    template = EmailTemplate.get_or_none(EmailTemplate.id == product.welcomeemail) if product.welcomeemail else None
    if template is not None:
        send_template(shop, template.name, service.id, {})
