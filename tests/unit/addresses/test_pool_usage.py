"""How the use of a pool is told."""

import pytest

from bridge.addresses.usage import PoolUsage


@pytest.mark.req("IPP-04")
@pytest.mark.parametrize(
    ("used", "total", "text"),
    [
        (8, 29, "27.59% (8/29)"),
        (2, 29, "6.9% (2/29)"),
        (5, 79, "6.33% (5/79)"),
        (17, 79, "21.52% (17/79)"),
        (0, 29, "0% (0/29)"),
        (29, 29, "100% (29/29)"),
        (1, 2, "50% (1/2)"),
        (1, 800, "0.13% (1/800)"),
        (3, 2**64, "0% (3/18446744073709551616)"),
    ],
)
def test_the_percentage_has_two_decimals_without_zeros_at_the_end(used: int, total: int, text: str) -> None:
    assert PoolUsage(used, total).text == text
