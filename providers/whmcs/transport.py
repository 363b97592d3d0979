"""One POST to WHMCS's api.php and the sense of its answer: a dict, or an error of the taxonomy.

Nothing is ever sent twice from here. Whether a failed call may have had its effect all the same is decided here, because
only here one knows how far the request came.
"""

import json
import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from providers.errors import AuthFailed, CertificateRefused, Permanent, ProviderError, Retryable, Unavailable
from providers.whmcs.errors import Nonsense, refusal

log = logging.getLogger(__name__)


def post(
    session: requests.Session,
    url: str,
    fields: Mapping[str, str],
    *,
    subject: str,
    writes: bool,
    timeout: tuple[float, float],
) -> dict[str, Any]:
    """Send `fields` once; the answer of a success. Raises ProviderError, `outcome_unknown` only when `writes`.

    `subject` names action and object in error texts; `timeout` is (connect, read) in seconds.
    """
    try:
        # A redirect would turn the POST into a GET without a body: it is reported, not followed.
        response = session.post(url, data=fields, timeout=timeout, allow_redirects=False)
    except requests.RequestException as error:
        raise _unreached(error, url, subject, writes) from error
    answer = _json_object(response.text, subject)
    if answer is None:
        raise _without_answer(response, url, subject, writes)
    if answer.get("result") == "success":
        return answer
    raise refusal(subject, str(answer.get("message", "")))


def _json_object(text: str, subject: str) -> dict[str, Any] | None:
    """The API's object in `text`, also behind warnings that a badly set up PHP prints before it."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        try:
            found, _ = decoder.raw_decode(text, start)
        except ValueError:
            found = None
        if isinstance(found, dict) and "result" in found:
            if text[:start].strip("\ufeff \r\n\t"):
                log.warning("WHMCS API %s: %d characters before the answer; PHP shows its warnings", subject, start)
            return found
        start = text.find("{", start + 1)
    return None


def _unreached(error: requests.RequestException, url: str, subject: str, writes: bool) -> ProviderError:
    where = _origin(url)
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return CertificateRefused(f"WHMCS API {subject}: the TLS certificate of {where} is not trusted")
    if isinstance(error, requests.exceptions.ConnectTimeout) or _never_connected(error):
        return Unavailable(f"WHMCS API {subject}: {where} cannot be reached")
    if isinstance(error, requests.exceptions.Timeout) or "Read timed out" in str(error):
        return Unavailable(f"WHMCS API {subject}: no answer from {where} in time", outcome_unknown=writes)
    return Unavailable(f"WHMCS API {subject}: {where} broke the connection off", outcome_unknown=writes)


def _never_connected(error: requests.RequestException) -> bool:
    """Whether the connection itself failed, so that WHMCS has not seen the request."""
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _without_answer(response: requests.Response, url: str, subject: str, writes: bool) -> ProviderError:
    """The error for an answer that is no JSON of the API. Its text is not quoted: PHP's stack traces carry passwords."""
    where, status = _origin(url), response.status_code
    head = f"WHMCS API {subject}:"
    if 300 <= status < 400:
        target = _origin(response.headers.get("Location", "")) or "elsewhere"
        return Permanent(f"{head} {where} redirects to {target}; configure the address it redirects to")
    if status in (401, 403):
        return AuthFailed(f"{head} the web server of {where} refuses the request (HTTP {status})")
    if status == 404:
        return Permanent(f"{head} there is no includes/api.php below {where} (HTTP 404); check the configured address")
    if status == 429:
        return Retryable(f"{head} {where} asks us to slow down (HTTP 429)")
    title = re.search(r"<title[^>]*>([^<]{1,80})", response.text, re.IGNORECASE)
    page = f', a page titled "{title.group(1).strip()}"' if title else ""
    return Nonsense(f"{head} {where} did not answer in JSON (HTTP {status}{page})", outcome_unknown=writes)


def _origin(url: str) -> str:
    """Scheme, host and port of `url`: what one may print of it."""
    parts = urlsplit(url)
    if not parts.hostname:
        return ""
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
