"""Passwords: WHMCS encrypts and decrypts them, and nobody else writes one down."""

import logging
import sqlite3

import pytest

from bridge.models.whmcs import Configuration, Service
from tests.deploy.conftest import Install
from tests.deploy.installation import Installation

MAILS_OF_WHMCS = 'INSERT INTO "tblemails"'  # where WHMCS itself keeps what it has sent


def database(rig: Installation) -> str:
    """All that is stored."""
    with sqlite3.connect(rig.url.removeprefix("sqlite:///").partition("?")[0]) as connection:
        return "\n".join(line for line in connection.iterdump() if not line.startswith(MAILS_OF_WHMCS))


@pytest.mark.req("DAT-08")
@pytest.mark.parametrize("generated", [True, False], ids=["by WHMCS", "by us"])
def test_the_clear_text_of_a_password_is_in_memory_only(
    install: Install, caplog: pytest.LogCaptureFixture, generated: bool
) -> None:
    caplog.set_level(logging.INFO)  # as with --verbose
    rig = install()
    Configuration.create(setting="ModuleDebugMode", value="on")
    service = rig.order()
    if not generated:
        Service.update(password="").where(Service.id == service).execute()
    calls = rig.run().calls
    assert rig.states() == {service: "ready"}
    assert "WHMCS DecryptPassword" in calls
    assert ("WHMCS EncryptPassword" in calls) is not generated
    password = rig.whmcs.passwords.decrypt(Service.get_by_id(service).password)
    assert password in rig.whmcs.mails[-1].body, "this test knows the password"
    told = "\n".join([database(rig), caplog.text, *rig.lines])
    for secret in (password, rig.cluster.demo_token.partition("=")[2]):
        assert secret not in told
