"""What activating the addon does beside the tables: the e-mail templates that are missing."""

import pytest

from bridge.models.whmcs import EmailTemplate, ModuleLogEntry
from bridge.web_role import InstallationLife
from emailtemplates import READY, WELCOME
from tests.deploy.conftest import Install


def told() -> list[str]:
    return [row.response for row in ModuleLogEntry.select().where(ModuleLogEntry.action == "email_templates")]


@pytest.mark.req("INS-30")
def test_activation_creates_missing_templates_and_tells_which(install: Install) -> None:
    rig = install()
    EmailTemplate.delete().where(EmailTemplate.name == READY).execute()
    line = InstallationLife(rig.house).activate()
    assert line == f'Up to date. E-mail templates: "{READY}": created.'
    assert told() == [f'"{READY}": created']
    rig.deploy()
    assert rig.whmcs.mails[-1].template == READY


@pytest.mark.req("INS-30")
def test_activation_names_a_template_that_sends_nothing_and_leaves_it_so(install: Install) -> None:
    rig = install()
    EmailTemplate.update(disabled=1).where(EmailTemplate.name == WELCOME).execute()
    assert f'"{WELCOME}": kept, disabled' in InstallationLife(rig.house).activate()
    assert EmailTemplate.get(EmailTemplate.name == WELCOME).disabled == 1


def test_activating_again_says_nothing_of_templates_that_are_there(install: Install) -> None:
    assert InstallationLife(install().house).activate() == "Up to date."
    assert told() == []


@pytest.mark.req("INS-30")
def test_an_upgrade_brings_no_deleted_template_back(install: Install) -> None:
    rig = install()
    EmailTemplate.delete().where(EmailTemplate.name == READY).execute()
    InstallationLife(rig.house).upgrade("0.0.9")
    assert not EmailTemplate.select().where(EmailTemplate.name == READY).exists()


@pytest.mark.req("INS-09")
def test_nothing_of_the_addon_puq_customization_is_needed(install: Install) -> None:
    rig = install()
    InstallationLife(rig.house).activate()
    rig.deploy()
    assert not [name for name in rig.house.database.get_tables() if name.startswith("puq_customization")]
