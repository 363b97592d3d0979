"""The web role: what the views call, put together from the parts of the house, and the application around it. Parts that name this process are made when first asked
for, which is after gunicorn has forked.
"""

import logging
from dataclasses import replace

from flask import Flask

from bridge.config import ConfigError
from bridge.dns.reverse import ReverseNames
from bridge.lifecycle.adoption import Adoption
from bridge.lifecycle.backup_list import BackupList
from bridge.lifecycle.charts import Charts
from bridge.lifecycle.client_backups import ClientBackups
from bridge.lifecycle.client_pages import ClientPages
from bridge.lifecycle.client_snapshots import ClientSnapshots
from bridge.lifecycle.clients import PATIENCE, Clients
from bridge.lifecycle.direct import Direct
from bridge.lifecycle.farewell import PromptRequests
from bridge.lifecycle.firewall import ClientFirewall
from bridge.lifecycle.iso import Isos
from bridge.lifecycle.password import Passwords
from bridge.lifecycle.plan import Planner
from bridge.lifecycle.realtime import Information
from bridge.lifecycle.reinstall import Reinstallation
from bridge.lifecycle.vm_log import VmLogs
from bridge.mail_templates import create_missing
from bridge.protocol.nonces import DatabaseNonces
from bridge.server_test import ConnectionTest
from bridge.statistics.usage import Usage
from bridge.streamed_cron import StreamedCron
from bridge.uninstall import NotDropped, drop_tables
from bridge.upgrade import bring_up_to_date
from bridge.vm_context import Shop
from bridge.web.app import create_app
from bridge.web.callers import Refusal
from bridge.wiring import House, house_from_environment

log = logging.getLogger(__name__)


class WebServices:
    """Implements `bridge.web.interfaces.Services`."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.nonces = DatabaseNonces()
        self.orders = house.orders
        self.requests = PromptRequests(house.requests, self._shop)
        self.suspension = house.suspension
        self.records = house.records
        self.pools = house.pools
        self.zones = house.zone_admin
        self.dns_list = house.dns_list
        self.explanations = house.explanations
        self.logs = VmLogs()
        self.usage = Usage(house.clock)
        self.connections = ConnectionTest(house.hypervisors, house.settings)
        self.cron = StreamedCron(lambda: house.cron, house.settings, house.delivering)
        self.installation = InstallationLife(house)
        self.observation = house.observation

    @property
    def plans(self) -> Planner:
        """What package changes would do."""
        return Planner(self._shop())

    @property
    def commands(self) -> Direct:
        """Commands on VMs."""
        return self._house.direct

    @property
    def clients(self) -> Clients:
        """What clients do."""
        house = self._house
        direct = self._direct_for_clients
        passwords = replace(house.passwords, direct=direct)
        return Clients(
            direct,
            passwords,
            lambda: Reinstallation(house.requests, self._shop()),
            self._shop,
            house.reverse_names,
        )

    @property
    def backups(self) -> ClientBackups:
        """Clients' backups."""
        house = self._house
        return ClientBackups(self._direct_for_clients, house.requests, BackupList(self._shop), house.clock)

    @property
    def snapshots(self) -> ClientSnapshots:
        """Snapshots, for clients."""
        return ClientSnapshots(self._direct_for_clients, self._shop, self._house.clock)

    @property
    def client_pages(self) -> ClientPages:
        """What the client's pages load and send."""
        firewall = ClientFirewall(self._house.claims, self._shop)
        isos = Isos(self._direct_for_clients, self._shop)
        return ClientPages(Charts(self._shop), firewall, Information(self._shop), isos)

    @property
    def reverse_names(self) -> ReverseNames:
        """Reverse names."""
        return self._house.reverse_names

    @property
    def adoption(self) -> Adoption:
        """Existing VMs for services."""
        return self._house.adoption

    @property
    def passwords(self) -> Passwords:
        """Passwords of guests."""
        return self._house.passwords

    def open(self) -> None:
        """Connections open at the first query."""

    def close(self) -> None:
        """Gunicorn's threads are few and keep their connection; peewee replaces one that died."""

    @property
    def _direct_for_clients(self) -> Direct:
        return replace(self._house.direct, patience=PATIENCE)

    def _shop(self) -> Shop:
        return self._house.runs.shop


class InstallationLife:
    """Implements `bridge.web.interfaces.Installation`."""

    def __init__(self, house: House) -> None:
        self._house = house

    def activate(self) -> str:
        """Bring the schema up to date, take over what the old addon left, and create the e-mail templates that are missing."""
        line = self._bring_up_to_date()
        told = [report.line for report in create_missing(self._house.database) if report.created or report.attention]
        if told:
            self._house.journal.record("email_templates", "tblemailtemplates", "\n".join(told))
        return " ".join([line, *(["E-mail templates: " + "; ".join(told) + "."] if told else [])])

    def deactivate(self) -> str:
        """Everything is kept, unless the settings ask for the opposite. Raises Refusal when that is not possible."""
        if not self._house.settings.delete_tables:
            return "All tables are kept, so that nothing is lost."
        try:
            dropped = drop_tables(self._house.database)
        except NotDropped as error:
            raise Refusal(str(error)) from error
        log.warning("the addon was deactivated, and all tables are deleted as the settings ask: %s", ", ".join(dropped))
        return f"All {len(dropped)} tables are deleted, as the settings ask. VMs stay on their clusters: stop KVM Bridge now."

    def upgrade(self, from_version: str) -> None:
        """Bring the schema up to date. An e-mail template that was deleted meanwhile stays deleted."""
        self._bring_up_to_date()

    def _bring_up_to_date(self) -> str:
        done = bring_up_to_date(self._house.database)
        if done.imports:
            self._house.journal.record("take_over", "tables of PUQ Customization", list(done.imports))
        return done.line


def create_web(house: House) -> Flask:
    """The web role's application. Raises ConfigError without a secret."""
    if house.config.secret is None:
        raise ConfigError("secret: not set, the web role needs KVM_BRIDGE_SECRET")
    return create_app(WebServices(house), house.config.secret.get_secret_value())


def create_application() -> Flask:
    """gunicorn's application. Raises ConfigError."""
    return create_web(house_from_environment(need=("secret",)))
