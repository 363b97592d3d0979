"""The web role: what the views call, put together from the parts of the house, and the application around it. Parts that name this process are made when first asked
for, which is after gunicorn has forked.
"""

from dataclasses import replace

from flask import Flask

from bridge.config import ConfigError
from bridge.dns.reverse import ReverseNames
from bridge.lifecycle.adoption import Adoption
from bridge.lifecycle.clients import PATIENCE, Clients
from bridge.lifecycle.direct import Direct
from bridge.lifecycle.farewell import PromptRequests
from bridge.lifecycle.password import Passwords
from bridge.lifecycle.plan import Planner
from bridge.lifecycle.reinstall import Reinstallation
from bridge.lifecycle.vm_log import VmLogs
from bridge.protocol.nonces import DatabaseNonces
from bridge.server_test import ConnectionTest
from bridge.statistics.usage import Usage
from bridge.streamed_cron import StreamedCron
from bridge.upgrade import bring_up_to_date
from bridge.vm_context import Shop
from bridge.web.app import create_app
from bridge.wiring import House, house_from_environment


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
        direct = replace(house.direct, patience=PATIENCE)
        passwords = replace(house.passwords, direct=direct)
        return Clients(
            direct,
            passwords,
            lambda: Reinstallation(house.requests, self._shop()),
            self._shop,
            house.reverse_names,
        )

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

    def _shop(self) -> Shop:
        return self._house.runs.shop


class InstallationLife:
    """Implements `bridge.web.interfaces.Installation`."""

    def __init__(self, house: House) -> None:
        self._house = house

    def activate(self) -> str:
        """Bring the schema up to date, and take over what the old addon left."""
        done = bring_up_to_date(self._house.database)
        if done.imports:
            self._house.journal.record("take_over", "tables of PUQ Customization", list(done.imports))
        return done.line

    def deactivate(self) -> str:
        """Everything is kept."""
        return "All tables are kept, so that nothing is lost."

    def upgrade(self, from_version: str) -> None:
        """Bring the schema up to date."""
        self.activate()


def create_web(house: House) -> Flask:
    """The web role's application. Raises ConfigError without a secret."""
    if house.config.secret is None:
        raise ConfigError("secret: not set, the web role needs KVM_BRIDGE_SECRET")
    return create_app(WebServices(house), house.config.secret.get_secret_value())


def create_application() -> Flask:
    """gunicorn's application. Raises ConfigError."""
    return create_web(house_from_environment(need=("secret",)))
