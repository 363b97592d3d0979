"""`/v1/cron/run`: one cron run, its lines streamed while they are made."""

from flask import Blueprint, Response, g

from bridge.protocol.streams import write_stream
from bridge.web.envelope import CronParams, current_call
from bridge.web.functions import services
from bridge.web.gate import Gate, answered_nonce


def cron_blueprint(gate: Gate) -> Blueprint:
    """The blueprint; the gate's signer closes the stream."""
    blueprint = Blueprint("cron", __name__, url_prefix="/v1/cron")

    @blueprint.post("/run")
    def run() -> Response:
        """Start a run and hand out its lines."""
        params = current_call().read(CronParams)
        lines = services().cron.run(params.argv, params.mode)
        g.streams = True
        response = Response(write_stream(lines, gate.signer, answered_nonce()), mimetype="text/plain")
        response.headers["X-Accel-Buffering"] = "no"
        return response

    return blueprint
