"""Product settings on real tables: where they are kept, and what a service gets out of them."""

import pytest

from bridge import product_settings
from bridge.models.companion import ProductSetting
from bridge.models.whmcs import (
    ChosenOption,
    ConfigurableOption,
    CustomField,
    CustomFieldValue,
    OptionChoice,
    OptionGroupLink,
    Product,
)
from bridge.package.fields import FIELDS, BadSetting, validated
from bridge.product_settings import UnknownProduct, effective_package, load, save
from bridge.ssh_keys import ssh_keys_of
from statemachines.package import Package
from tests.factories import make_product, make_service

KVM = 3
SERVICE = 7


def sell(**columns: object) -> None:
    """A product of the module, and a service of it."""
    make_product(id=KVM, **columns)
    make_service(id=SERVICE, packageid=KVM, userid=1, server=1)


def choose(name: str, choice: str = "", *, quantity: int = 0, kind: str = "1", group: int = 1) -> None:
    """The service chose `choice` (types 1, 2) or `quantity` (types 3, 4) of an option."""
    option = ConfigurableOption.create(gid=group, optionname=name, optiontype=kind)
    sub = OptionChoice.create(configid=option.id, optionname=choice) if choice else None
    ChosenOption.create(relid=SERVICE, configid=option.id, optionid=sub.id if sub else 0, qty=quantity)


def package() -> Package:
    """The effective package of the service, which must come without a word."""
    found, warnings = effective_package(SERVICE)
    assert warnings == []
    return found


CHANGED = {
    int: lambda field: field.default + 101,
    bool: lambda field: not field.default,
    type(None): lambda field: 123,
}
"""A value other than the default, by the type of the default; texts and choices are named one by one."""

OTHERWISE = {
    "license_key": "ABC-123",
    "node": "pve2",
    "clone_type": "full",
    "change_mode": "live",
    "vm_name_rule": "größe-{service_id}",
    "os_username": "debian",
    "snapshot_lifetime": 86_400,
    "net_model": "e1000",
    "net_bridge": "vmbr7",
    "fw_policy_in": "DROP",
    "fw_policy_out": "REJECT",
    "fw_log_in": "info",
    "fw_log_out": "warning",
    "sys_storage": "ceph",
    "add_storage": "hdd",
    "backup_storage": "pbs|pbs",
    "iso_storage": "nfs",
    "novnc_domain": "vnc.example.org:8443",
    "novnc_key": "s3cret",
    "main_domain": "example.org",
    "mail_ready": "None",
    "mail_reset": "Mein Passwort & mehr",
    "mail_restored": "Zurück",
}


@pytest.mark.req("CFG-03")
@pytest.mark.usefixtures("database")
def test_every_setting_survives_saving_and_loading() -> None:
    sell()
    wanted = {
        name: OTHERWISE[name] if name in OTHERWISE else CHANGED[type(field.default)](field)
        for name, field in FIELDS.items()
    }
    assert all(wanted[name] != field.default for name, field in FIELDS.items())
    save(KVM, wanted)
    assert validated(load(KVM)) == wanted


@pytest.mark.usefixtures("database")
def test_saved_settings_are_there_after_loading_and_reach_the_service() -> None:
    sell()
    save(KVM, {"cpu": "4", "net_vlan": "30", "dhcp_ipv4": "off", "main_domain": ".größe.example", "mail_ready": "None"})
    save(KVM, {"cpu": "6"})
    assert load(KVM) == {
        "cpu": "6",
        "net_vlan": "30",
        "dhcp_ipv4": "off",
        "main_domain": ".größe.example",
        "mail_ready": "None",
    }
    found = package()
    assert (found.cpu, found.network.vlan, found.network.dhcp_ipv4) == (6, 30, False)
    assert (found.main_domain, found.mail_ready) == (".größe.example", None)


@pytest.mark.usefixtures("sqlite_db")
def test_a_product_that_nobody_touched_has_the_defaults() -> None:
    sell()
    assert load(KVM) == {}
    assert package() == Package()


@pytest.mark.usefixtures("sqlite_db")
def test_one_wrong_value_keeps_all_others_from_being_saved() -> None:
    sell(configoption4="9000")
    with pytest.raises(BadSetting, match=r"^RAM \(ram\): "):
        save(KVM, {"cpu": "4", "os_template": "9001", "ram": "much"})
    assert load(KVM) == {"os_template": "9000"}
    assert ProductSetting.select().count() == 0


@pytest.mark.req("OPT-25")
@pytest.mark.usefixtures("database")
def test_licence_and_template_stay_in_the_products_own_row() -> None:
    sell()
    save(KVM, {"license_key": "ABC-123", "os_template": "9000", "ram": "2"})
    row = Product.get_by_id(KVM)
    assert (row.configoption1, row.configoption4) == ("ABC-123", "9000")
    assert {setting.name for setting in ProductSetting.select()} == {"ram"}
    Product.update(configoption4="9001|Debian 12").where(Product.id == KVM).execute()  # changed in WHMCS itself
    assert package().template == 9001
    save(KVM, {"os_template": "none"})
    assert package().template is None


@pytest.mark.usefixtures("sqlite_db")
def test_settings_of_version_2_apply_until_the_first_save_takes_them_over() -> None:
    sell(configoption2="Full Clone", configoption7="cpu=2|ram=4", configoption10="a|b|c")
    assert (package().full_clone, package().cpu, package().ram_gb) == (True, 2, 4)
    save(KVM, {"ram": "8"})
    Product.update(configoption7="cpu=64|ram=64").where(Product.id == KVM).execute()
    assert (package().full_clone, package().cpu, package().ram_gb) == (True, 2, 8)
    assert Product.get_by_id(KVM).configoption10 == "a|b|c"


@pytest.mark.usefixtures("sqlite_db")
def test_html_entities_in_the_products_row_are_decoded() -> None:
    sell(configoption1="A&amp;B", configoption7="{&quot;cpu&quot;: 3}")
    assert load(KVM) == {"license_key": "A&B", "cpu": "3"}


@pytest.mark.usefixtures("sqlite_db")
@pytest.mark.parametrize("action", [load, lambda product: save(product, {"cpu": "2"})])
def test_unknown_and_foreign_products_are_refused(action: object) -> None:
    Product.create(id=9, servertype="cpanel", configoption1="theirs")
    with pytest.raises(UnknownProduct, match=r"^Product 8 does not exist in WHMCS$"):
        action(8)  # type: ignore[operator]
    with pytest.raises(UnknownProduct, match=r"^Product 9 is set up with cpanel, not with puqProxmoxKVM$"):
        action(9)  # type: ignore[operator]


@pytest.mark.usefixtures("sqlite_db")
def test_a_service_that_is_gone_is_named() -> None:
    with pytest.raises(UnknownProduct, match=r"^Service 7 does not exist in WHMCS$"):
        effective_package(SERVICE)


@pytest.mark.usefixtures("sqlite_db")
def test_a_stored_value_that_somebody_broke_stops_the_order_with_its_line() -> None:
    sell()
    save(KVM, {"cpu": "2"})
    ProductSetting.update(value="lots").execute()
    with pytest.raises(BadSetting, match=r'^CPU \(cpu\): "lots" must be'):
        effective_package(SERVICE)


@pytest.mark.req("OPT-20", "OPT-21", "OPT-32", "OPT-33")
@pytest.mark.usefixtures("database")
def test_options_come_from_the_choices_of_the_service() -> None:
    sell()
    save(KVM, {"cpu": "1", "backups": "5", "ram": "1"})
    choose("CPU Cores", "4|4 Cores", kind="1")
    choose("RAM|Arbeitsspeicher", "8|8 GB", kind="2")
    choose("Backups", quantity=0, kind="4")
    choose("System Disk", quantity=40, kind="4")
    choose("Color", "red|Red")
    found = package()
    assert (found.cpu, found.ram_gb, found.backups, found.system_disk.size_gb) == (4, 8, 0, 40)
    assert found.system_disk.from_option


@pytest.mark.usefixtures("sqlite_db")
def test_choices_of_other_services_do_not_count() -> None:
    sell()
    choose("CPU Cores", "4|4 Cores")
    ChosenOption.update(relid=SERVICE + 1).execute()
    assert package().cpu == 1


@pytest.mark.req("OPT-44")
@pytest.mark.usefixtures("sqlite_db")
def test_a_choice_that_was_deleted_counts_as_not_assigned_and_is_reported() -> None:
    sell()
    choose("CPU Cores", "4|4 Cores")
    OptionChoice.delete().execute()
    found, warnings = effective_package(SERVICE)
    assert found.cpu == 1
    assert warnings == [
        'Configurable option "CPU Cores": the chosen value is empty; the default of the product applies'
    ]


@pytest.mark.usefixtures("sqlite_db")
def test_of_two_options_with_one_name_that_of_the_products_own_group_counts() -> None:
    sell()
    OptionGroupLink.create(gid=2, pid=KVM)
    choose("CPU Cores", "4|left from an upgrade", group=1)
    choose("CPU Cores", "8|of this product", group=2)
    assert package().cpu == 8


@pytest.mark.usefixtures("sqlite_db")
def test_html_entities_in_options_are_decoded() -> None:
    sell()
    choose("CPU&#124;Prozessor", "4&#124;4 &amp; more")
    assert package().cpu == 4


KEY = "ssh-ed25519 AAAAC3Nz zoe@laptop"


@pytest.mark.req("CLD-05")
@pytest.mark.usefixtures("sqlite_db")
@pytest.mark.parametrize("name", ["sshkeys", "SSH Key", "ssh keys|Your public keys", "SSH_KEY", "Ssh_Keys"])
def test_ssh_keys_come_from_the_custom_field_of_the_product(name: str) -> None:
    sell()
    for product, field, value in (
        (KVM, "Note", "x"),
        (KVM + 1, name, "another product's"),
        (KVM, name, f" {KEY}\r\n\r\n{KEY}2 "),
    ):
        row = CustomField.create(type="product", relid=product, fieldname=field)
        CustomFieldValue.create(fieldid=row.id, relid=SERVICE, value=value)
    CustomFieldValue.create(fieldid=row.id, relid=SERVICE + 1, value="another service's")
    assert ssh_keys_of(SERVICE) == f"{KEY}\n{KEY}2"


@pytest.mark.usefixtures("sqlite_db")
def test_a_service_without_ssh_keys_has_none() -> None:
    sell()
    assert ssh_keys_of(SERVICE) == ""
    row = CustomField.create(type="product", relid=KVM, fieldname="SSH Keys")
    CustomFieldValue.create(fieldid=row.id, relid=SERVICE, value=" ")
    assert ssh_keys_of(SERVICE) == ""


def test_every_setting_has_one_place() -> None:
    assert product_settings.STOCK == {"license_key": 1, "os_template": 4}
