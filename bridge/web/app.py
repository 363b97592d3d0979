"""The application factory and what happens when something goes wrong below it."""

import logging
import time
from collections.abc import Callable

import peewee
from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from bridge.database import DatabaseUnavailable
from bridge.protocol.signing import Signer
from bridge.web import addon, client, health, hook, module
from bridge.web.cron import cron_blueprint
from bridge.web.envelope import Malformed
from bridge.web.functions import UnknownFunction
from bridge.web.gate import MAX_BODY_BYTES, Gate
from bridge.web.interfaces import Services

log = logging.getLogger(__name__)


def create_app(
    services: Services,
    secret: str,
    *,
    max_body_bytes: int = MAX_BODY_BYTES,
    clock: Callable[[], float] = time.time,
) -> Flask:
    """The web application. `secret` is the one that install-shim wrote into WHMCS; `clock` gives epoch seconds."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes
    app.extensions["kvm-bridge"] = services
    gate = Gate(Signer(secret), services.nonces, clock, health.OPEN_PATHS)
    app.extensions["kvm-bridge-signer"] = gate.signer
    app.before_request(services.open)
    gate.guard(app)
    app.teardown_request(lambda error: services.close())
    for blueprint in (
        module.blueprint,
        addon.blueprint,
        client.blueprint,
        hook.blueprint,
        health.blueprint,
        cron_blueprint(gate),
    ):
        app.register_blueprint(blueprint)
    app.register_error_handler(Malformed, _malformed)
    app.register_error_handler(UnknownFunction, _unknown)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DatabaseUnavailable, _no_database)
    app.register_error_handler(peewee.PeeweeException, _wrong_database)
    app.register_error_handler(Exception, _our_bug)
    return app


def _malformed(error: Malformed) -> tuple[Response, int]:
    return jsonify(error=str(error)), 400


def _unknown(error: UnknownFunction) -> tuple[Response, int]:
    return jsonify(error=str(error)), 404


def _too_large(error: RequestEntityTooLarge) -> tuple[Response, int]:
    return jsonify(error="The request is larger than KVM Bridge accepts."), 413


def _http_error(error: HTTPException) -> tuple[Response, int]:
    return jsonify(error=f"The protocol has nothing here ({error.name})."), error.code or 500


def _no_database(error: DatabaseUnavailable) -> tuple[Response, int]:
    log.error("the database did not serve a request: %s", error)
    return jsonify(error="KVM Bridge cannot use its database at the moment; the request can be repeated."), 503


def _wrong_database(error: peewee.PeeweeException) -> tuple[Response, int]:
    log.error("the database refused a statement", exc_info=error)
    return jsonify(
        error="KVM Bridge does not get on with its database: is its schema up to date (kvm-bridge migrate)?"
    ), 503


def _our_bug(error: Exception) -> tuple[Response, int]:
    log.error("unexpected error during a request", exc_info=error)
    return jsonify(error="KVM Bridge met an unexpected error; its log has the details."), 500
