"""WHMCS's own tables, as far as the module relies on them; read mostly, and never created or altered by the product.

Select the columns you need by name: an older WHMCS may lack one that you do not. Texts are NOT NULL without default ("" =
none), flags are 0/1 unless noted, relations are plain ids. Strings may hold HTML entities, as WHMCS encodes its input.
The sandbox creates these tables from here.
"""

from bridge.models.base import BaseModel
from bridge.models.whmcs.office import (
    ActivityLogEntry,
    AddonSetting,
    Admin,
    Configuration,
    Email,
    EmailTemplate,
    ModuleLogEntry,
    Ticket,
    TicketDepartment,
)
from bridge.models.whmcs.products import (
    ConfigurableOption,
    Currency,
    OptionChoice,
    OptionGroup,
    OptionGroupLink,
    Pricing,
    Product,
    ProductGroup,
    ProductUpgradePath,
)
from bridge.models.whmcs.servers import Server, ServerGroup, ServerGroupMember
from bridge.models.whmcs.services import ChosenOption, Client, CustomField, CustomFieldValue, Order, Service, Upgrade

TABLES: list[type[BaseModel]] = [
    Client,
    Service,
    ChosenOption,
    Order,
    Upgrade,
    CustomField,
    CustomFieldValue,
    ProductGroup,
    Product,
    ProductUpgradePath,
    OptionGroup,
    OptionGroupLink,
    ConfigurableOption,
    OptionChoice,
    Currency,
    Pricing,
    Server,
    ServerGroup,
    ServerGroupMember,
    Admin,
    Configuration,
    AddonSetting,
    EmailTemplate,
    Email,
    TicketDepartment,
    Ticket,
    ModuleLogEntry,
    ActivityLogEntry,
]

__all__ = [
    "TABLES",
    "ActivityLogEntry",
    "AddonSetting",
    "Admin",
    "ChosenOption",
    "Client",
    "ConfigurableOption",
    "Configuration",
    "Currency",
    "CustomField",
    "CustomFieldValue",
    "Email",
    "EmailTemplate",
    "ModuleLogEntry",
    "OptionChoice",
    "OptionGroup",
    "OptionGroupLink",
    "Order",
    "Pricing",
    "Product",
    "ProductGroup",
    "ProductUpgradePath",
    "Server",
    "ServerGroup",
    "ServerGroupMember",
    "Service",
    "Ticket",
    "TicketDepartment",
    "Upgrade",
]
