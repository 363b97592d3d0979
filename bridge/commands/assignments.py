"""Arguments of the form name=value, as several commands take them."""

from collections.abc import Iterable

import click


def read_assignments(assignments: Iterable[str], form: str = "name=value") -> dict[str, str]:
    """Names and values. Raises click's UsageError for an argument without an equals sign; `form` says what it should be."""
    found: dict[str, str] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise click.UsageError(f'"{assignment}" is not in the form {form}')
        found[name.strip()] = value
    return found
