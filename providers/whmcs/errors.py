"""How WHMCS says no, told apart once and for all: the message texts of its API become the classes below.

Sources: developers.whmcs.com/api-reference (error responses per action) and the refusals of the API's front door as public
client libraries met them. A refusal means that nothing was done.
"""

import re

from providers.errors import AuthFailed, NotFound, ProviderError, Rejected, Retryable, Unavailable


class InvalidIp(AuthFailed):
    """Our address is not on the shop's list: General Settings > Security > API IP Access Restriction, or set the access key."""


class BadCredentials(AuthFailed):
    """Identifier or secret is wrong, deleted, or belongs to a disabled admin."""


class ActionNotAllowed(AuthFailed):
    """The credential's API role does not include the action."""


class TemplateMissing(NotFound):
    """There is no e-mail template of that unique name."""

    default_who = "admin"


class TemplateDisabled(Rejected):
    """The e-mail template exists and is switched off."""


class SendingFailed(Retryable):
    """WHMCS took the mail and could not send it: mailer error, hook abort, empty body, or wrong service id."""


class Nonsense(Unavailable):
    """The answer is no JSON object of the API: an error page, a maintenance page, a stranger's server."""


# The hint after the colon is what the admin does about it; {message} is WHMCS's own text.
_REFUSALS: tuple[tuple[str, type[ProviderError], str], ...] = (
    (r"invalid ip", InvalidIp, "{message}: allow it in General Settings > Security > API IP Access Restriction"),
    (r"ip banned", InvalidIp, "{message}: our address is on the shop's list of banned addresses"),
    (r"invalid permissions", ActionNotAllowed, "{message}: add it to the API role of the credential"),
    (
        r"authentication failed|invalid or missing credentials|access denied",
        BadCredentials,
        "{message}: check identifier and secret of the API credential",
    ),
    (r"email template not found", TemplateMissing, "{message}: create it in Email Templates, type Product/Service"),
    (r"email template is disabled", TemplateDisabled, "{message}: enable it in Email Templates"),
    (r"sending failed", SendingFailed, "{message} (WHMCS's Activity Log names the mailer's error)"),
    (r"not found|cannot find", NotFound, "{message}"),
)


def refusal(subject: str, message: str) -> ProviderError:
    """The error for WHMCS's `message`; `subject` names action and object, e.g. `SendEmail "VM is ready", service 5`."""
    for pattern, error, text in _REFUSALS:
        if re.search(pattern, message, re.IGNORECASE):
            return error(f"WHMCS API {subject}: {text.format(message=message.rstrip('.'))}")
    return Rejected(f"WHMCS API {subject}: {message or 'refused without a reason'}")
