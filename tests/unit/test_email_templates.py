"""The five templates that we ship."""

import re
from hashlib import sha256

import pytest

from emailtemplates import catalog

MERGE_FIELDS_OF_WHMCS = {
    "client_name",
    "service_product_name",
    "service_payment_method",
    "service_recurring_amount",
    "service_billing_cycle",
    "service_next_due_date",
    "service_dedicated_ip",
    "service_domain",
    "service_username",
    "service_password",
    "signature",
}


@pytest.mark.req("EML-01", "EML-02", "EML-10")
def test_the_names_and_subjects_are_the_documented_ones() -> None:
    assert [(template.name, template.subject) for template in catalog()] == [
        ("puqProxmoxVKM Welcome Email", "Virtual Machine Order Information"),
        ("puqProxmoxKVM VM is ready", "Virtual Machine is ready"),
        ("puqProxmoxKVM Reset password", "Reset password is ready"),
        ("puqProxmoxKVM Backup restored", "Backup restored successful"),
        ("puqProxmoxKVM Upgrade Email", "Virtual Machine upgrade is ready"),
    ]


def test_all_are_product_templates() -> None:
    assert {template.type for template in catalog()} == {"product"}


def test_welcome_and_upgrade_are_fixed_and_the_others_may_be_replaced() -> None:
    assert [template.selectable for template in catalog()] == [False, True, True, True, False]


def test_the_bodies_begin_with_the_client_and_end_with_the_signature() -> None:
    for template in catalog():
        assert template.body.startswith("Dear {$client_name},\n")
        assert template.body.endswith("\n{$signature}\n")


# SHA-256 of the bodies that the manual prints.
BODIES = {
    "puqProxmoxVKM Welcome Email": "c26a50b4a128df30298ddf620ae4d8327740f485ac1bb745fc595bafa825bd62",
    "puqProxmoxKVM VM is ready": "9258dee3979370a279478d6916d6a16040f80cd3d1c9b3d32e5fa03c24088faa",
    "puqProxmoxKVM Reset password": "b431a7f0920cccebcec714246486a53a81ea9160136764d204fe3fd60f3f59a3",
    "puqProxmoxKVM Backup restored": "b1eab202632b077c798d28b25adffe359240832f5bacc796f9e88aee7d0198ac",
    "puqProxmoxKVM Upgrade Email": "0fce4708590117eb08903f10b40b5cfcea93583e0a42c58c08baf5c8db4ee159",
}


@pytest.mark.req("EML-11")
def test_the_bodies_are_those_of_the_manual_to_the_letter() -> None:
    digests = {template.name: sha256(template.body.encode()).hexdigest() for template in catalog()}
    assert digests == BODIES


def test_only_fields_that_whmcs_fills_in_are_used() -> None:
    used = {field for template in catalog() for field in re.findall(r"\{\$(\w+)\}", template.body)}
    assert used == MERGE_FIELDS_OF_WHMCS


@pytest.mark.parametrize("name", ["puqProxmoxKVM VM is ready", "puqProxmoxKVM Reset password"])
@pytest.mark.req("RPW-11")
def test_mails_with_credentials_name_address_user_and_password(name: str) -> None:
    (template,) = [template for template in catalog() if template.name == name]
    for field in ("service_dedicated_ip", "service_domain", "service_username", "service_password"):
        assert f"{{${field}}}" in template.body
