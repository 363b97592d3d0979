"""Set CPU & RAM."""

import pytest

from bridge.models.companion import ProductSetting
from tests.deploy.conftest import Install


@pytest.mark.req("DEP-26", "CFG-12", "CFG-13", "TPL-02")
@pytest.mark.parametrize(("cpu", "ram", "memory"), [("3", "5", "5120"), ("1", "1", "1024"), ("8", "64", "65536")])
def test_cores_and_memory_of_the_product(install: Install, cpu: str, ram: str, memory: str) -> None:
    rig = install(cpu=cpu, ram=ram)
    config = rig.config(rig.deploy())
    assert (str(config["cores"]), str(config.get("sockets", 1)), str(config["memory"])) == (cpu, "1", memory)


@pytest.mark.req("CFG-12", "CFG-13")
def test_a_product_without_settings_has_one_core_and_one_gigabyte(install: Install) -> None:
    rig = install()
    ProductSetting.delete().where(ProductSetting.name.in_(["cpu", "ram"])).execute()
    config = rig.config(rig.deploy())
    assert (str(config["cores"]), str(config["memory"])) == ("1", "1024")


@pytest.mark.req("OPT-02", "OPT-03", "OPT-21")
def test_options_replace_cores_and_memory_of_the_product(install: Install) -> None:
    rig = install(cpu="2", ram="2")
    config = rig.config(rig.deploy(CPU_Cores=4, RAM=8))
    assert (str(config["cores"]), str(config["memory"])) == ("4", "8192")


@pytest.mark.req("DEP-26", "DEP-38")
def test_both_are_set_with_one_call(install: Install) -> None:
    rig = install(cpu="3", ram="5")
    rig.deploy()
    (call,) = [call for call in rig.calls("PUT", "/config") if "cores" in call.params]
    assert {key: call.params[key] for key in ("cores", "sockets", "memory")} == {
        "cores": "3",
        "sockets": "1",
        "memory": "5120",
    }


def test_a_template_with_several_sockets_gives_no_more_cores_than_the_product_has(install: Install) -> None:
    rig = install(cpu="2")
    rig.cluster.guests[9000].config["sockets"] = 2
    config = rig.config(rig.deploy())
    assert (str(config["cores"]), str(config["sockets"])) == ("2", "1")
