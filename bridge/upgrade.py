"""Bringing an installation up to date: first the tables, then what the old addon left for them."""

from dataclasses import dataclass

from bridge.database import Database
from bridge.migrations import migrate, pending
from bridge.takeover.tables import take_over, to_take_over


@dataclass(frozen=True)
class Upgrade:
    """What was done, or would be: names of migrations, and lines about what was imported."""

    migrations: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """Everything in one line for the admin."""
        count = len(self.migrations)
        applied = f"{count} migration{'s' if count > 1 else ''} applied now"
        done = [*([applied] if count else []), *self.imports]
        return f"The database is up to date ({'; '.join(done)})." if done else "Up to date."


def bring_up_to_date(database: Database) -> Upgrade:
    """May run any number of times and in several processes at once. Raises what `migrate` raises."""
    return Upgrade(tuple(migrate(database)), tuple(take_over(database)))


def outlook(database: Database) -> Upgrade:
    """What `bring_up_to_date` would do; nothing is written."""
    return Upgrade(tuple(pending(database)), tuple(to_take_over(database)))
