"""What a browser sent along with a page: method, query and posted fields, and whether the form it posted came from us.

Whoever acts has to show that his request comes from one of our pages: it carries a token that only our answers hold, bound
to the login session, to the actor and to the service.
"""

import hmac
from typing import Annotated, TypeVar, cast

from flask import current_app
from pydantic import BaseModel, Field

from bridge.protocol.signing import Signer
from bridge.web.callers import Refusal
from bridge.web.envelope import Call, Line, Map

TOKEN_FIELD = "form_token"
STALE = "This page has expired. Please reload it."

Fields = TypeVar("Fields", bound=BaseModel)


class BrowserRequest(BaseModel):
    """The browser's request to WHMCS, as the shim passes it on."""

    method: Line = ""
    query: Map = Field(default_factory=dict)
    fields: Map = Field(default_factory=dict)


class _WithRequest(BaseModel):
    request: BrowserRequest = Field(default_factory=BrowserRequest)


class _Token(BaseModel):
    form_token: Annotated[str, Field(max_length=128)] = ""


def token(call: Call) -> str:
    """The token for forms about the call's service; empty without a login session, where nothing can be posted."""
    actor = call.actor
    if not actor.session:
        return ""
    signer = cast(Signer, current_app.extensions["kvm-bridge-signer"])
    return signer.sign_form(actor.session, actor.type, str(actor.id or 0), str(call.service_id()))


def posted(call: Call, fields: type[Fields]) -> Fields:
    """The posted fields of a form of ours. Raises Refusal unless it was posted, from one of our pages, in this session.

    Raises Malformed when a field is missing or not usable.
    """
    request = call.read(_WithRequest).request
    expected = token(call)
    given = Call.validated(_Token, request.fields).form_token
    if request.method != "POST" or not expected or not hmac.compare_digest(expected.encode(), given.encode()):
        raise Refusal(STALE)
    return Call.validated(fields, request.fields)


def asked(call: Call, parameters: type[Fields]) -> Fields:
    """What the address of the browser's request says, for pages that only read. Raises Malformed."""
    return Call.validated(parameters, call.read(_WithRequest).request.query)


class NoFields(BaseModel):
    """A form that is only a button."""
