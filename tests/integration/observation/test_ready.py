"""When an installation counts as ready; on SQLite and on MariaDB."""

import pytest

from bridge.database import Database, connect
from bridge.models.companion import AppliedMigration
from bridge.observation.gauges import Gauges
from bridge.observation.health import Health
from bridge.observation.meters import Meters
from bridge.observation.process import ProcessObservation
from bridge.observation.pulse import Pulse
from bridge.settings import Settings
from bridge.task_book import TaskBook
from bridge.tasks import PROCESS
from tests.chaos.clock import VirtualClock
from tests.services import free_port

SILENT = {"worker": "no scheduler has shown a sign of life for a minute, and no tick has come"}
AWAY = {"database": "cannot be used; the log has the cause"}


class Place:
    """One process of an installation, on time that passes when it is told to."""

    def __init__(self, database: Database) -> None:
        self.clock = VirtualClock()
        self.settings = Settings(clock=self.clock.now)
        health = Health(database, self.settings, self.clock)
        gauges = Gauges(self.clock, self.settings, lambda: None)  # type: ignore[arg-type,return-value]
        self.observation = ProcessObservation(health, Meters(), gauges, self.settings)

    def missing(self) -> dict[str, str]:
        return self.observation.missing()


@pytest.fixture
def place(database: Database) -> Place:
    return Place(database)


@pytest.mark.req("OBS-02")
def test_an_installation_that_nobody_works_for_is_not_ready(place: Place) -> None:
    assert place.missing() == SILENT


@pytest.mark.req("OBS-02")
@pytest.mark.parametrize(("seconds", "missing"), [(0, {}), (59, {}), (61, SILENT)])
def test_a_scheduler_counts_for_a_minute_after_its_last_sign_of_life(
    place: Place, seconds: float, missing: dict[str, str]
) -> None:
    place.settings.set_scheduler_seen(place.clock.now())
    place.clock.advance(seconds)
    assert place.missing() == missing


@pytest.mark.req("OBS-02")
@pytest.mark.parametrize(
    ("interval", "seconds", "ready"), [(1, 179, True), (1, 181, False), (5, 899, True), (5, 901, False)]
)
def test_ticks_of_a_crontab_count_as_well(place: Place, interval: int, seconds: float, ready: bool) -> None:
    place.settings.change({f"cron_interval_{PROCESS.name}": interval})
    TaskBook(place.clock, lambda: 600.0).touch(PROCESS.name)
    place.clock.advance(seconds)
    assert place.missing() == ({} if ready else SILENT)


@pytest.mark.req("OBS-02")
def test_tables_that_are_behind_are_told(place: Place) -> None:
    place.settings.set_scheduler_seen(place.clock.now())
    AppliedMigration.delete().where(AppliedMigration.version == 1).execute()
    assert place.missing() == {"schema": "not up to date: kvm-bridge migrate"}


@pytest.mark.req("OBS-02", "OBS-03")
def test_a_database_that_is_away_is_told_without_its_name(caplog: pytest.LogCaptureFixture) -> None:
    place = Place(connect(f"mysql://somebody:s3cret@127.0.0.1:{free_port()}/whmcs"))
    assert place.missing() == AWAY
    assert "Connection refused" in caplog.text
    assert "s3cret" not in caplog.text
    assert b"kvm_bridge_database_up 0.0" in place.observation.metrics()


@pytest.mark.req("OBS-03")
@pytest.mark.parametrize(
    ("setting", "caller", "allowed"),
    [
        ("", "127.0.0.1", True),
        ("", "::1", True),
        ("", "::ffff:127.0.0.1", True),
        ("", "", True),
        ("", "192.0.2.7", False),
        ("192.0.2.0/24", "192.0.2.7", True),
        ("192.0.2.0/24", "198.51.100.7", False),
        ("192.0.2.0/24", "127.0.0.1", True),
        ("0.0.0.0/0", "unknown", False),
    ],
)
def test_who_may_read_the_metrics(place: Place, setting: str, caller: str, allowed: bool) -> None:
    place.settings.change({"metrics_allow": setting})
    assert place.observation.may_read_metrics(caller) is allowed


@pytest.mark.req("OBS-02")
def test_a_scheduler_whose_loop_stands_still_gives_no_sign() -> None:
    clock = VirtualClock()
    pulse = Pulse(clock.now)
    assert not pulse.alive
    pulse.beat()
    clock.advance(29)
    assert pulse.alive
    clock.advance(2)
    assert not pulse.alive
