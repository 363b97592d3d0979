"""`/healthz`, `/readyz` and `/metrics`: for machines that watch the daemon. They are the only routes without a signature.

None of them changes anything or says anything of services, clients or accounts.
"""

from typing import cast

from flask import Blueprint, Response, current_app, jsonify, request

from bridge.web.health_interfaces import Observation
from bridge.web.interfaces import Services

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process lives and answers; nothing else is looked at."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """The installation can work, or 503 with what is missing."""
    missing = _observation().missing()
    return jsonify(status="not ready" if missing else "ready", missing=missing), 503 if missing else 200


@blueprint.get("/metrics")
def metrics() -> Response | tuple[Response, int]:
    """The numbers, for this machine and those that the setting `metrics_allow` names."""
    observation = _observation()
    if not all(observation.may_read_metrics(caller) for caller in _callers()):
        return jsonify(
            error="The metrics are for this machine, and for those that the setting metrics_allow names."
        ), 403
    return Response(observation.metrics(), content_type=TEXT_FORMAT)


def _callers() -> list[str]:
    """Everybody on the way of the request: a proxy on this machine must not lend its address to those behind it."""
    forwarded = ",".join(request.headers.getlist("X-Forwarded-For"))
    behind = [part.strip() for part in forwarded.split(",") if part.strip()]
    if "Forwarded" in request.headers and not behind:
        behind = [request.headers["Forwarded"]]
    return [request.remote_addr or "", *behind]


def _observation() -> Observation:
    return cast(Services, current_app.extensions["kvm-bridge"]).observation
