"""The page behind a mail's unsubscribe link: what is so, and a button that changes it.

Looking at it changes nothing, since mail scanners open every link. It needs no script, and its buttons
post to its own address only.
"""

from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from notifier.suppression import UNSUBSCRIBED

_TEMPLATE: Final = "unsubscribe.html"
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
)
_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("api"), autoescape=True, undefined=StrictUndefined
)


def page(token: str, reason: str | None, *, beside: str = "") -> HTMLResponse:
    """How it stands with the address behind a link. `reason`: why no mail goes there.

    `beside`: from where this page stands to where links do; relative, so that any path of a proxy is kept.
    """
    template = _ENVIRONMENT.get_template(_TEMPLATE)
    text = template.render(
        token=token,
        told=reason is None,
        unsubscribed=reason == UNSUBSCRIBED,
        reason=reason,
        beside=beside,
    )
    headers = {"Content-Security-Policy": POLICY, "X-Robots-Tag": "noindex"}
    return HTMLResponse(text, headers=headers)
