"""Rows with sane defaults. Each factory returns the row it made; keyword arguments override columns.

A small named cast: client Ada Lovelace, server "pve" on 127.0.0.1, product "KVM 1", domain vm.example.com.
"""

from collections.abc import Callable
from typing import Any

from bridge.models.companion import ProductSetting, Setting, VmWork
from bridge.models.module import DnsZone, IpPool, VmInfo
from bridge.models.whmcs import (
    ChosenOption,
    Client,
    ConfigurableOption,
    OptionChoice,
    OptionGroup,
    OptionGroupLink,
    Product,
    Server,
    Service,
)

MODULE = "puqProxmoxKVM"


def make_client(**columns: Any) -> Client:
    """An active client."""
    return Client.create(**{"firstname": "Ada", "lastname": "Lovelace", "email": "ada@example.com", **columns})


def make_server(**columns: Any) -> Server:
    """A server entry of the module with an API token in user name and password."""
    defaults = {
        "name": "pve",
        "hostname": "127.0.0.1",
        "ipaddress": "127.0.0.1",
        "type": MODULE,
        "username": "root@pam!bridge",
        "password": "encrypted-token-secret",
        "secure": "on",
        "active": 1,
    }
    return Server.create(**{**defaults, **columns})


def make_product(settings: dict[str, str] | None = None, **columns: Any) -> Product:
    """A product of the module; `settings` become rows of its product settings."""
    product = Product.create(**{"name": "KVM 1", "type": "server", "servertype": MODULE, "paytype": "free", **columns})
    for name, value in (settings or {}).items():
        ProductSetting.create(product_id=product.id, name=name, value=value)
    return product


def make_service(**columns: Any) -> Service:
    """An active service; client, product and server are made when they are not given (`userid`, `packageid`, `server`)."""
    made: dict[str, Callable[[], Client | Product | Server]] = {
        "userid": make_client,
        "packageid": make_product,
        "server": make_server,
    }
    columns.update({column: make().id for column, make in made.items() if column not in columns})
    defaults = {"domain": "vm.example.com", "domainstatus": "Active", "username": "root", "password": "encrypted"}
    return Service.create(**{**defaults, **columns})


def make_vm(
    service: Service | None = None, state: str = "creation", due_at: float | None = 0.0, **columns: Any
) -> VmInfo:
    """The VM record of a service (made when not given), and its work row, due at `due_at`."""
    service = service or make_service()
    vm = VmInfo.create(**{"service_id": service.id, "vm_status": state, **columns})
    VmWork.create(service_id=service.id, server_id=service.server, due_at=due_at)
    return vm


def make_pool(server: Server | int | None = None, **columns: Any) -> IpPool:
    """An IPv4 pool of 29 addresses, or with type="ipv6" one of 79; `server` is a row or an id, made when not given."""
    server_id = server if isinstance(server, int) else (server or make_server()).id
    family: dict[str, Any] = {
        "gateway": "192.168.130.1",
        "mask": 24,
        "address_start": "192.168.130.2",
        "address_stop": "192.168.130.30",
        "dns1": "8.8.8.8",
        "dns2": "1.1.1.1",
    }
    if columns.get("type") == "ipv6":
        family = {"gateway": "2001:db8::1", "mask": 64, "address_start": "2001:db8::2", "address_stop": "2001:db8::50"}
    return IpPool.create(**{"server_id": server_id, "bridge": "vmbr0", "vlan": 0, **family, **columns})


def make_dns_zone(**columns: Any) -> DnsZone:
    """A PowerDNS zone for example.com."""
    defaults = {"zone": "example.com", "type": "powerdns", "server": "http://127.0.0.1:8081", "api_key": "pdns-key"}
    return DnsZone.create(**{**defaults, **columns})


def make_option(product: Product, name: str, choices: list[str] | None = None, **columns: Any) -> ConfigurableOption:
    """A configurable option of a product: a dropdown with `choices` ("value|Label"), or a quantity without them."""
    group = OptionGroup.create(name=f"{name} group")
    OptionGroupLink.create(gid=group.id, pid=product.id)
    kind = "1" if choices else "4"
    option = ConfigurableOption.create(**{"gid": group.id, "optionname": name, "optiontype": kind, **columns})
    for order, choice in enumerate(choices or []):
        OptionChoice.create(configid=option.id, optionname=choice, sortorder=order)
    return option


def choose(service: Service, option: ConfigurableOption, choice: str = "", qty: int = 0) -> ChosenOption:
    """The service chose `choice` (an option name of the dropdown) or the quantity `qty`."""
    picked = OptionChoice.get_or_none(OptionChoice.configid == option.id, OptionChoice.optionname == choice)
    return ChosenOption.create(relid=service.id, configid=option.id, optionid=picked.id if picked else 0, qty=qty)


def set_setting(name: str, value: object) -> None:
    """Store a global setting."""
    Setting.replace(name=name, value=str(value)).execute()  # type: ignore[no-untyped-call]
