"""`/v1/hook/<Name>`: what WHMCS's hooks tell the daemon. Hooks delay a page, so every answer is quick."""

from flask import Blueprint, Response

from bridge.web.envelope import Call
from bridge.web.functions import Table, answer
from bridge.web.interfaces import Services

blueprint = Blueprint("hook", __name__, url_prefix="/v1/hook")


def after_cron_job(services: Services, call: Call) -> None:
    """WHMCS's cron has finished a run."""
    services.cron.wake()


FUNCTIONS: Table = {
    "AfterCronJob": after_cron_job,
    "AdminProductConfigFieldsSave": None,
    "ClientAreaPageUpgrade": None,
    "ClientAreaFooterOutput": None,
    "ClientAreaPrimarySidebar": None,
    "ShoppingCartValidateUpgrade": None,
    "ServiceDelete": None,
    "ProductDelete": None,
    "ServerEdit": None,
    "ServerDelete": None,
}


@blueprint.post("/<name>")
def call_function(name: str) -> tuple[Response, int]:
    """One hook."""
    return answer(FUNCTIONS, name)
