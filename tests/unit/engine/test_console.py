"""Blocks of several VMs never interleave: one is live, the others are held and follow whole, the oldest next."""

import pytest

from bridge.console import Console


@pytest.mark.req("ENG-40")
def test_the_oldest_block_is_live_and_the_others_follow_whole() -> None:
    printed: list[str] = []
    console = Console(printed.append)
    first, second, third = console.block(), console.block(), console.block()

    second.line("second 1")
    first.line("first 1")
    third.line("third 1")
    third.close()
    assert printed == ["first 1"]

    first.line("first 2")
    first.close()
    assert printed == ["first 1", "first 2", "second 1"]

    second.line("second 2")
    assert printed[-1] == "second 2"
    second.close()
    assert printed[-1] == "third 1"


@pytest.mark.req("DEP-48", "ENG-40")
def test_a_line_of_the_live_block_is_printed_at_once() -> None:
    printed: list[str] = []
    block = Console(printed.append).block()
    block.line("now")
    assert printed == ["now"]


def test_a_new_block_is_live_when_no_other_is_open() -> None:
    printed: list[str] = []
    console = Console(printed.append)
    console.block().close()
    block = console.block()
    block.line("next")
    assert printed == ["next"]


def test_closing_twice_does_no_harm() -> None:
    printed: list[str] = []
    console = Console(printed.append)
    block = console.block()
    block.close()
    block.close()
    other = console.block()
    other.line("still printed")
    assert printed == ["still printed"]
