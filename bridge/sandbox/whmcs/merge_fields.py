"""The merge fields of product mails, read from the service at the moment of sending, and their rendering."""

import re
from collections.abc import Mapping
from datetime import date

from bridge.models.whmcs import Client, Configuration, Currency, Product, Server, Service
from bridge.sandbox.whmcs.shop import Shop

_FIELD = re.compile(r"\{\$([A-Za-z_][A-Za-z0-9_.]*)(?:\|[^}]*)?\}")


def render(text: str, fields: Mapping[str, str]) -> str:
    """`text` with its fields filled in; an unknown field is empty, as in Smarty."""
    return _FIELD.sub(lambda match: fields.get(match.group(1), ""), text)


def fields_of(shop: Shop, service: Service) -> dict[str, str]:
    """All fields of a product mail about `service`."""
    client = Client.get_or_none(Client.id == service.userid) or Client()
    return {**_client(client), **_service(shop, service, client), **_shop()}


def _client(client: Client) -> dict[str, str]:
    return {
        "client_id": str(client.id or ""),
        "client_name": f"{client.firstname} {client.lastname}".strip(),
        "client_first_name": client.firstname,
        "client_last_name": client.lastname,
        "client_company_name": client.companyname,
        "client_email": client.email,
        "client_address1": client.address1,
        "client_address2": client.address2,
        "client_city": client.city,
        "client_state": client.state,
        "client_postcode": client.postcode,
        "client_country": client.country,
        "client_phonenumber": client.phonenumber,
        "client_signup_date": _day(client.datecreated),
        "client_group_id": str(client.groupid),
        "client_status": client.status,
    }


def _service(shop: Shop, service: Service, client: Client) -> dict[str, str]:
    product = Product.get_or_none(Product.id == service.packageid) or Product()
    server = Server.get_or_none(Server.id == service.server) or Server()
    return {
        "service_id": str(service.id),
        "service_order_id": str(service.orderid),
        "service_reg_date": _day(service.regdate),
        "service_product_name": product.name,
        "service_product_description": product.description,
        "service_domain": service.domain,
        "service_server_name": server.name,
        "service_server_hostname": server.hostname,
        "service_server_ip": server.ipaddress,
        "service_dedicated_ip": service.dedicatedip,
        "service_assigned_ips": service.assignedips.replace("\n", "<br />\n"),
        "service_ns1": service.ns1,
        "service_ns2": service.ns2,
        "service_payment_method": _title(service.paymentmethod),
        "service_first_payment_amount": _money(service.firstpaymentamount, client),
        "service_recurring_amount": _money(service.amount, client),
        "service_billing_cycle": service.billingcycle,
        "service_next_due_date": _day(service.nextduedate),
        "service_username": service.username,
        "service_password": shop.passwords.decrypt(service.password),
        "service_status": service.domainstatus,
        "service_suspension_reason": service.suspendreason,
    }


def _shop() -> dict[str, str]:
    return {
        "company_name": configuration("CompanyName"),
        "signature": configuration("Signature"),
        "whmcs_url": configuration("SystemURL"),
    }


def configuration(setting: str) -> str:
    """A global setting of WHMCS; empty when there is none."""
    row = Configuration.get_or_none(Configuration.setting == setting)
    return row.value if row else ""


def _day(value: date | None) -> str:
    return value.strftime("%d/%m/%Y") if value else "00/00/0000"


def _money(amount: object, client: Client) -> str:
    currency = Currency.get_or_none(Currency.id == client.currency) or Currency()
    return f"{currency.prefix}{float(str(amount)):.2f}{currency.suffix}"


def _title(method: str) -> str:
    return {"banktransfer": "Bank Transfer", "paypal": "PayPal", "mailin": "Mail In Payment"}.get(method, method)
