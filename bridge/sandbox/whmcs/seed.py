"""A demo shop: what an admin would have set up, written straight into the tables, and orders as WHMCS would write them.

Needs WHMCS's tables and the module's. All names are fixed, so that the demo and the tests can speak of them.
"""

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from bridge.models.companion import ProductSetting
from bridge.models.module import IpPool
from bridge.models.whmcs import (
    ChosenOption,
    Client,
    ConfigurableOption,
    Configuration,
    Currency,
    OptionChoice,
    OptionGroup,
    OptionGroupLink,
    Order,
    Pricing,
    Product,
    ProductGroup,
    Server,
    ServerGroup,
    ServerGroupMember,
    Service,
    TicketDepartment,
)
from bridge.models.whmcs import EmailTemplate as EmailTemplateRow
from bridge.sandbox.whmcs.shop import Shop
from emailtemplates import EmailTemplate, catalog

MODULE = "puqProxmoxKVM"
QUANTITY = "4"
DROPDOWN = "1"


@dataclass(frozen=True)
class ProxmoxAccess:
    """The cluster that the server entry points at; `token` is `user@realm!name`, `secret` its value in clear."""

    host: str
    port: int
    token: str
    secret: str


@dataclass(frozen=True)
class DemoShop:
    """Ids of what the seed made, and the way to order."""

    shop: Shop
    client_id: int
    server_id: int
    product_id: int

    def order(
        self, hostname: str = "", client_id: int | None = None, product_id: int | None = None, **options: int
    ) -> int:
        """Order the product as the cart does: an order, a pending service with a generated password, the chosen options.

        `options` are configurable options by name with blanks as underscores, e.g. `CPU_Cores=2`; a dropdown takes the
        value before the pipe. Returns the service id. Nothing is set up yet: that is ModuleCreate.
        """
        client_id, product_id = client_id or self.client_id, product_id or self.product_id
        amount, method = Decimal("9.90"), "banktransfer"
        order = Order.create(
            ordernum=str(secrets.randbelow(9 * 10**9) + 10**9),
            userid=client_id,
            date=self.shop.now(),
            amount=amount,
            paymentmethod=method,
            status="Pending",
        )
        service = Service.create(
            userid=client_id,
            orderid=order.id,
            packageid=product_id,
            server=self.server_id,
            domain=hostname,
            username=hostname.replace(".", "")[:8].lower(),
            password=self.shop.passwords.encrypt(generated_password()),
            domainstatus="Pending",
            paymentmethod=method,
            firstpaymentamount=amount,
            amount=amount,
            billingcycle="Monthly",
            **self._dates(),
        )
        for name, value in options.items():
            _choose(service.id, product_id, name.replace("_", " "), value)
        return int(service.id)

    def _dates(self) -> dict[str, date]:
        today = self.shop.now().date()
        due = today + timedelta(days=30)
        return {"regdate": today, "nextduedate": due, "nextinvoicedate": due}


def generated_password() -> str:
    """A service password as WHMCS generates it: fourteen characters with symbols."""
    return "".join(secrets.choice(string.ascii_letters + string.digits + "!@#$%^&*()") for _ in range(14))


def seed(
    shop: Shop,
    proxmox: ProxmoxAccess,
    settings: Mapping[str, str],
    system_url: str = "http://127.0.0.1/",
) -> DemoShop:
    """Set the shop up; the way to order is returned. Run it once, on empty tables.

    There will be a client, a server entry with its group and a pool of each family, a product with `settings` and
    configurable options, the five e-mail templates, a support department and a currency.
    """
    currency = Currency.create(code="EUR", prefix="€", suffix=" EUR", format=1, rate=1, default=1)
    for name, value in (
        ("CompanyName", "Demo Hosting"),
        ("SystemURL", system_url),
        ("Signature", "Demo Hosting\nhttps://hosting.example.com"),
        ("Language", "english"),
    ):
        Configuration.create(setting=name, value=value)
    client = Client.create(
        firstname="Zoë",
        lastname="O&#039;Neill",
        email="zoe@example.com",
        city="Kraków",
        country="PL",
        language="english",
        currency=currency.id,
        datecreated=shop.now().date(),
    )
    TicketDepartment.create(name="Support", email="support@example.com", order=1)
    for template in catalog():
        _template(template)
    server_id, group_id = _server(shop, proxmox)
    product_id = _product(group_id, settings)
    _options(product_id, currency.id)
    return DemoShop(shop, client.id, server_id, product_id)


def _template(template: EmailTemplate) -> None:
    EmailTemplateRow.create(
        type=template.type,
        name=template.name,
        subject=template.subject,
        message=template.message,
        custom=1,
        disabled=0,
        language="",
    )


def _server(shop: Shop, proxmox: ProxmoxAccess) -> tuple[int, int]:
    """The server entry with its group and one pool of each family; ids of server and group."""
    server = Server.create(
        name="Demo cluster",
        hostname=proxmox.host,
        ipaddress=proxmox.host,
        port=proxmox.port,
        type=MODULE,
        username=proxmox.token,
        password=shop.passwords.encrypt(proxmox.secret),
        secure="on",
        active=1,
    )
    group = ServerGroup.create(name="Virtual machines", filltype=1)
    ServerGroupMember.create(groupid=group.id, serverid=server.id)
    shared: dict[str, Any] = {"server_id": server.id, "bridge": "vmbr0", "vlan": 0}
    IpPool.create(
        type="ipv4",
        gateway="192.168.130.1",
        mask=24,
        dns1="192.168.130.1",
        dns2="9.9.9.9",
        address_start="192.168.130.2",
        address_stop="192.168.130.254",
        **shared,
    )
    IpPool.create(
        type="ipv6",
        gateway="2001:db8::1",
        mask=64,
        dns1="2620:fe::fe",
        dns2="",
        address_start="2001:db8::2",
        address_stop="2001:db8::ffff:ffff:ffff:ffff",
        **shared,
    )
    return server.id, group.id


def _product(group_id: int, settings: Mapping[str, str]) -> int:
    group = ProductGroup.create(name="Virtual machines", slug="virtual-machines", order=1)
    product = Product.create(
        type="server",
        gid=group.id,
        name="KVM Small",
        description="A virtual machine on the demo cluster",
        paytype="recurring",
        servertype=MODULE,
        servergroup=group_id,
        autosetup="payment",
        configoptionsupgrade=1,
    )
    for name, value in settings.items():
        ProductSetting.create(product_id=product.id, name=name, value=value)
    return int(product.id)


def _options(product_id: int, currency_id: int) -> None:
    """Quantities for the sizes, a dropdown for the number of IPv6 addresses, priced for one currency."""
    group = OptionGroup.create(name="Virtual machine", description="")
    OptionGroupLink.create(gid=group.id, pid=product_id)
    for order, (name, label, highest) in enumerate(
        (
            ("CPU Cores", "Processor cores", 32),
            ("RAM", "Memory (GB)", 256),
            ("Additional Disk", "Second disk (GB)", 2000),
        )
    ):
        option = ConfigurableOption.create(
            gid=group.id, optionname=f"{name}|{label}", optiontype=QUANTITY, qtymaximum=highest, order=order
        )
        _choice(option.id, label, 0, currency_id)
    option = ConfigurableOption.create(
        gid=group.id, optionname="IPv6 Addresses|IPv6 addresses", optiontype=DROPDOWN, order=9
    )
    for order, count in enumerate((0, 1, 2, 4)):
        _choice(option.id, f"{count}|{count} addresses", order, currency_id)


def _choice(option_id: int, name: str, order: int, currency_id: int) -> None:
    choice = OptionChoice.create(configid=option_id, optionname=name, sortorder=order)
    Pricing.create(type="configoptions", currency=currency_id, relid=choice.id, monthly=Decimal("1.00"))


def _choose(service_id: int, product_id: int, name: str, value: int) -> None:
    option = next(
        (
            row
            for row in ConfigurableOption.select()
            .join(OptionGroupLink, on=(OptionGroupLink.gid == ConfigurableOption.gid))
            .where(OptionGroupLink.pid == product_id)
            if row.optionname.split("|")[0] == name
        ),
        None,
    )
    if option is None:
        raise ValueError(f"product {product_id} has no configurable option {name!r}")
    choices = list(OptionChoice.select().where(OptionChoice.configid == option.id))
    if option.optiontype == QUANTITY:
        ChosenOption.create(relid=service_id, configid=option.id, optionid=choices[0].id if choices else 0, qty=value)
        return
    chosen = [choice for choice in choices if choice.optionname.split("|")[0] == str(value)]
    if not chosen:
        raise ValueError(f"configurable option {name!r} has no choice {value!r}")
    ChosenOption.create(relid=service_id, configid=option.id, optionid=chosen[0].id, qty=0)
