"""The page about running the daemon names every metric and template, and nothing that is not there."""

import re

from prometheus_client import CollectorRegistry

from bridge.observation.gauges import Gauges, _messages, _work
from bridge.observation.meters import Meters
from bridge.observation.standing import OUTBOX_STATES, Standing
from emailtemplates import catalog
from tests.unit.house.import_graph import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
SOURCE = (ROOT / "bridge" / "observation" / "gauges.py").read_text(encoding="utf-8")
NOTHING = Standing(0, None, {}, {}, {}, {}, {}, None, 0, None, {})


def metrics() -> set[str]:
    """Names as Prometheus has them."""
    named = set(re.findall(r'"(kvm_bridge_[a-z_]+)"', SOURCE))
    return named | {f.name + ("_total" if f.type == "counter" else "") for f in Meters().registry.collect()}


def test_the_source_names_what_is_told() -> None:
    told = {metric.name for metric in (*_work(NOTHING, 0.0), *_messages(NOTHING, 0.0))}
    assert told <= metrics()
    assert len(told) >= 9
    CollectorRegistry().register(Gauges(None, None, None))  # type: ignore[arg-type]


def test_every_metric_has_its_row_and_no_row_is_of_a_metric_that_is_gone() -> None:
    rows = set(re.findall(r"^\| `(kvm_bridge_[a-z_]+)` \|", PAGE, re.MULTILINE))
    assert rows == metrics()


def test_every_template_and_every_state_of_a_message_is_named() -> None:
    assert [each.name for each in catalog() if f"| `{each.name}` | {each.when}" not in PAGE] == []
    assert [state for state in OUTBOX_STATES if f"`{state}`" not in PAGE] == []
