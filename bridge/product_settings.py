"""Product settings in the database, and the effective package of a service.

Settings live in `kvm_bridge_product`, except two that WHMCS and older versions know by their place in the product's own row:
the licence key (configoption1) and the OS template (configoption4). A product that was never saved by us still has what
versions 1.x and 2.x left in its stock fields; the first save takes that over.
"""

import contextlib
import html
from collections.abc import Iterable, Mapping
from typing import cast

from peewee import JOIN

from bridge.database import retry_lost_connection, transaction
from bridge.models.companion import ProductSetting
from bridge.models.whmcs import ChosenOption, ConfigurableOption, OptionChoice, OptionGroupLink, Product, Service
from bridge.module_log import MODULE
from bridge.package.effective import effective
from bridge.package.fields import FIELDS, BadSetting, validated
from bridge.package.kinds import Value, text_of
from bridge.package.legacy_product import read_legacy, template_of
from statemachines.package import Package

CONFIGOPTIONS = range(1, 25)
PERMISSION = "client_"
STOCK = {field.name: field.configoption for field in FIELDS.values() if field.configoption}
CHOSEN_FROM_LIST = {"1", "2"}
"""Types of configurable options (dropdown, radio) whose value is the name of the choice; others have a quantity."""


class UnknownProduct(Exception):
    """There is no such product or service in WHMCS, or it belongs to another module."""

    kind = "permanent"
    who = "admin"


@retry_lost_connection
def load(product_id: int) -> dict[str, str]:
    """The settings that were made for a product, as stored; what is missing has its default. Raises UnknownProduct.

    Stored values are not judged here: whoever uses one reads it through its field.
    """
    product = _product(product_id)
    rows = ProductSetting.select().where(ProductSetting.product_id == product_id)
    settings = {row.name: row.value for row in rows} or _texts(read_legacy(_stock_fields(product)).values)
    return settings | _stock_settings(product)


@retry_lost_connection
def save(product_id: int, changes: Mapping[str, object]) -> dict[str, Value]:
    """Validate and store `changes`, all or nothing, in one transaction; returns their stored values. May run twice.

    Raises BadSetting with a line per wrong setting, and UnknownProduct.
    """
    values = validated(changes)
    with transaction():
        product = _product(product_id)
        stock = {f"configoption{STOCK[name]}": text_of(value) for name, value in values.items() if name in STOCK}
        if stock:
            Product.update(stock).where(Product.id == product_id).execute()
        rows = _texts({name: value for name, value in values.items() if name not in STOCK})
        if rows and not ProductSetting.select().where(ProductSetting.product_id == product_id).exists():
            rows = _texts(read_legacy(_stock_fields(product)).values) | rows
        for name, text in rows.items():
            if name not in STOCK:
                row = ProductSetting.replace(product_id=product_id, name=name, value=text)  # type: ignore[no-untyped-call]
                row.execute()
    return values


@retry_lost_connection
def effective_package(service_id: int) -> tuple[Package, list[str]]:
    """What the VM of a service shall be, and lines about what was passed over on the way.

    Raises BadSetting for a stored setting that cannot be used, UnknownProduct when service or product is gone.
    """
    service = Service.select(Service.packageid).where(Service.id == service_id).first()
    if service is None:
        raise UnknownProduct(f"Service {service_id} does not exist in WHMCS")
    return effective(load(service.packageid), chosen_options(service_id, service.packageid))


@retry_lost_connection
def permissions(product_id: int) -> frozenset[str]:
    """What the product lets clients do: names of the settings `client_…` without that prefix. Raises UnknownProduct.

    A stored value that is neither on nor off counts as off.
    """
    settings, permitted = load(product_id), set()
    for name in FIELDS:
        if not name.startswith(PERMISSION):
            continue
        with contextlib.suppress(BadSetting):
            if FIELDS[name].read(settings.get(name, FIELDS[name].default)):
                permitted.add(name.removeprefix(PERMISSION))
    return frozenset(permitted)


@retry_lost_connection
def chosen_options(service_id: int, product_id: int) -> dict[str, str | int]:
    """The configurable options of a service as option name -> chosen sub-option's name, or quantity.

    Where two options bear one name, that of a group linked to the product counts: the other may be left from an upgrade.
    """
    links = OptionGroupLink.select(OptionGroupLink.gid).where(OptionGroupLink.pid == product_id)
    linked = {link.gid for link in links}
    query = (
        ChosenOption.select(
            ConfigurableOption.gid,
            ConfigurableOption.optionname,
            ConfigurableOption.optiontype,
            OptionChoice.optionname,
            ChosenOption.qty,
        )
        .join(ConfigurableOption, on=ConfigurableOption.id == ChosenOption.configid)
        .switch(ChosenOption)
        .join(OptionChoice, JOIN.LEFT_OUTER, on=OptionChoice.id == ChosenOption.optionid)
        .where(ChosenOption.relid == service_id)
        .order_by(ConfigurableOption.id, ChosenOption.id)
    )
    chosen: dict[str, str | int] = {}
    rows = cast("Iterable[tuple[int, str, str, str | None, int]]", query.tuples())
    for _, name, kind, choice, quantity in sorted(rows, key=lambda row: row[0] not in linked):
        value = html.unescape(choice or "") if str(kind) in CHOSEN_FROM_LIST else quantity
        chosen.setdefault(html.unescape(name), value)
    return chosen


def _product(product_id: int) -> Product:
    columns = [getattr(Product, f"configoption{number}") for number in CONFIGOPTIONS]
    product: Product | None = (
        Product.select(Product.id, Product.servertype, *columns).where(Product.id == product_id).first()
    )
    if product is None:
        raise UnknownProduct(f"Product {product_id} does not exist in WHMCS")
    if product.servertype != MODULE:
        module = product.servertype or "no module"
        raise UnknownProduct(f"Product {product_id} is set up with {module}, not with {MODULE}")
    return product


def _stock_fields(product: Product) -> dict[int, str]:
    return {number: html.unescape(getattr(product, f"configoption{number}") or "") for number in CONFIGOPTIONS}


def _stock_settings(product: Product) -> dict[str, str]:
    fields = _stock_fields(product)
    template = STOCK["os_template"]
    fields[template] = template_of(fields[template])
    return {name: fields[number].strip() for name, number in STOCK.items() if fields[number].strip()}


def _texts(values: Mapping[str, Value]) -> dict[str, str]:
    return {name: text_of(value) for name, value in values.items()}
