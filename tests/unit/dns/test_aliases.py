"""An alias that stands in the way of a record is none of our business only where a classless zone of ours explains it."""

import pytest

from bridge.dns.sync import is_alias
from providers.errors import ChangedMeanwhile, Conflict, ProviderError, Rejected


@pytest.mark.req("DNS-47")
@pytest.mark.parametrize(
    ("may_be", "error", "alias"),
    [
        (True, Conflict("is an alias"), True),
        (False, Conflict("is an alias"), False),
        (True, ChangedMeanwhile("somebody is quicker, again and again"), False),
        (True, Rejected("the quota is exceeded"), False),
    ],
)
def test_only_a_conflict_where_an_alias_may_stand_is_one(may_be: bool, error: ProviderError, alias: bool) -> None:
    assert is_alias(may_be, error) is alias
