"""Databases for the address book: made once per kind and emptied for each test, as making all tables takes its time."""

from collections.abc import Iterator

import pytest

from bridge.database import Database, close_connection, connect
from bridge.models.base import BaseModel
from bridge.models.companion import AddressReservation, ProductSetting, QuarantinedAddress
from bridge.models.module import IpPool, VmInfo
from bridge.models.whmcs import (
    ChosenOption,
    ConfigurableOption,
    CustomField,
    CustomFieldValue,
    OptionChoice,
    OptionGroupLink,
    Product,
    Server,
    Service,
)
from tests.conftest import installed
from tests.services import MariaDb

TOUCHED: list[type[BaseModel]] = [
    AddressReservation,
    ChosenOption,
    ConfigurableOption,
    CustomField,
    CustomFieldValue,
    IpPool,
    OptionChoice,
    OptionGroupLink,
    Product,
    ProductSetting,
    QuarantinedAddress,
    Server,
    Service,
    VmInfo,
]


@pytest.fixture(scope="package")
def lasting_mariadb_url(mariadb: MariaDb) -> Iterator[str]:
    """A database on MariaDB with all tables, for all tests of this folder."""
    with mariadb.database() as url:
        installed(url)
        yield url
        close_connection()


@pytest.fixture(scope="package")
def lasting_sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A SQLite file with all tables, for all tests of this folder."""
    url = f"sqlite:///{tmp_path_factory.mktemp('addresses')}/bridge.sqlite?synchronous=off"
    installed(url)
    yield url
    close_connection()


@pytest.fixture(params=["sqlite", "mariadb"])
def shop_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database whose tables are empty; the test runs once on SQLite and once on MariaDB."""
    url: str = request.getfixturevalue(f"lasting_{request.param}_url")
    close_connection()
    connect(url)
    for model in TOUCHED:
        model.delete().execute()
    return url


@pytest.fixture
def shop_database(shop_url: str) -> Iterator[Database]:
    """The same, bound to the models."""
    yield connect(shop_url)
    close_connection()
