"""WHMCS's external API: one client, its answers as values, its refusals as named errors.

    whmcs = WhmcsApi("https://shop.example.com", identifier, secret)
    whmcs.send_email("puqProxmoxKVM VM is ready", service_id=5546, variables={"vm_id": "2001"})

What the shop has to give us: an API credential whose role allows the actions used here, and our address (or an API access
key) under General Settings > Security.
"""

from providers.whmcs.client import Department, SentEmail, Template, Ticket, WhmcsApi
from providers.whmcs.errors import (
    ActionNotAllowed,
    BadCredentials,
    InvalidIp,
    Nonsense,
    SendingFailed,
    TemplateDisabled,
    TemplateMissing,
)

__all__ = [
    "ActionNotAllowed",
    "BadCredentials",
    "Department",
    "InvalidIp",
    "Nonsense",
    "SendingFailed",
    "SentEmail",
    "Template",
    "TemplateDisabled",
    "TemplateMissing",
    "Ticket",
    "WhmcsApi",
]
