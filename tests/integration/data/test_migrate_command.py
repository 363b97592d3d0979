"""`kvm-bridge migrate` as an admin sees it."""

import pytest
from click.testing import CliRunner

from bridge.commands.migrate import migrate_command
from bridge.migrations import MIGRATIONS

ALL = [name for name, _ in MIGRATIONS.values()]


@pytest.mark.req("DAT-02")
def test_the_command_says_what_it_applied_and_then_that_all_is_up_to_date(database_url: str) -> None:
    environment = {"KVM_BRIDGE_DATABASE_URL": database_url}
    run = CliRunner().invoke
    assert run(migrate_command, ["--dry-run"], env=environment).output == "".join(
        f"would apply {name}\n" for name in ALL
    )
    assert run(migrate_command, env=environment).output == "".join(f"applied {name}\n" for name in ALL)
    again = run(migrate_command, env=environment)
    assert (again.exit_code, again.output) == (0, "up to date\n")


def test_the_command_ends_with_one_line_when_it_cannot_work() -> None:
    result = CliRunner().invoke(migrate_command, env={"KVM_BRIDGE_DATABASE_URL": "sqlite:////nowhere/at/all.sqlite"})
    assert result.exit_code == 1
    assert result.output == "Error: Database all.sqlite: unable to open database file\n"
