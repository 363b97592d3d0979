"""The page about configurable options: what it proposes is understood, and nothing that is understood is missing."""

import re

import pytest

from bridge.package.options import LEGACY_FIELDS, OPTION_FIELDS, assigned
from tests.unit.house.import_graph import ROOT

PAGE = (ROOT / "docs" / "configurable-options.md").read_text(encoding="utf-8")


def examples() -> dict[str, list[str]]:
    """Option name -> sub-options, as one types them in WHMCS."""
    rows = re.findall(r"^\| `(.+?)` \| .+? \| (`.+`) \|$", PAGE, flags=re.MULTILINE)
    return {
        name.replace("\\|", "|"): [choice.replace("\\|", "|") for choice in re.findall(r"`(.+?)`", choices)]
        for name, choices in rows
    }


@pytest.mark.req("OPT-24")
def test_every_option_and_every_older_name_has_an_example() -> None:
    names = set(examples())
    assert {name for name in names if "|" not in name} == set(OPTION_FIELDS)
    assert {name.partition("|")[0] for name in names if "|" in name} == set(LEGACY_FIELDS)
    assert len(names) == 18 + 7


@pytest.mark.req("OPT-24", "OPT-20")
@pytest.mark.parametrize("name", examples())
def test_every_example_is_understood_as_it_reads(name: str) -> None:
    field = {**OPTION_FIELDS, **LEGACY_FIELDS}[name if name in OPTION_FIELDS else name.partition("|")[0]]
    choices = examples()[name]
    assert len(choices) > 1
    for choice in choices:
        read = assigned({name: choice})
        assert (read.values, read.warnings) == ({field: int(choice.partition("|")[0])}, ())


@pytest.mark.req("OPT-24")
@pytest.mark.parametrize("told", ["Create a New Group", "Assigned Products", "Add New Configurable Option", "$0.00"])
def test_the_page_tells_how_options_are_set_up_and_priced(told: str) -> None:
    assert told in PAGE


@pytest.mark.req("OPT-24")
def test_the_readme_leads_to_the_page() -> None:
    assert "(docs/configurable-options.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
