"""The page about server entries says what the documentation of the product says."""

import re

import pytest

from bridge.addresses.legacy_list import parse_legacy_list
from tests.unit.house.import_graph import ROOT

PAGE = (ROOT / "docs" / "servers.md").read_text(encoding="utf-8")


@pytest.mark.req("SRV-16")
def test_the_making_of_a_token_is_told_in_eight_steps() -> None:
    section = PAGE.partition("## The API token")[2].partition("\n## ")[0]
    steps = re.findall(r"^(\d)\. (.+(?:\n   .+)*)", section, re.MULTILINE)
    assert [int(number) for number, _ in steps] == list(range(1, 9))
    said = [text for _, text in steps]
    assert "*Datacenter › Permissions › API Tokens*" in said[1]
    assert "Untick *Privilege Separation*" in said[5]
    assert "shown only once" in said[7]


@pytest.mark.req("SRV-18")
def test_pools_are_recommended_and_the_list_stays() -> None:
    assert "[IP pools](addresses.md) are the recommended way" in PAGE
    assert "Both may be used at the same time" in PAGE


def test_the_example_of_the_list_is_one_that_is_understood() -> None:
    lines = [line.strip() for line in PAGE.splitlines() if re.match(r"    vmbr\d\|", line)]
    parsed = parse_legacy_list("\n".join(lines))
    assert (len(parsed.addresses), parsed.skipped) == (2, 0)
