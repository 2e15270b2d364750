"""The catchers' web application: SMS and push providers, a receiver of webhooks, the page."""

from collections.abc import Mapping

from aiohttp import web

from simulator.catchers.caught import Caught
from simulator.catchers.push import add_push_provider
from simulator.catchers.sms import add_sms_provider
from simulator.catchers.sns import add_sns
from simulator.catchers.vonage import add_vonage
from simulator.catchers.web_push import add_web_push
from simulator.catchers.web_view import add_web_view
from simulator.catchers.webhooks import add_webhook_receiver
from simulator.resetting import Resetting

CHANNELS = ("mail", "sms", "push", "sms_vonage", "sms_sns", "webhooks", "web_push")


def web_application(
    records: Mapping[str, Caught],
    resetting: Resetting | None = None,
    *,
    words_url: str | None = None,
) -> web.Application:
    """`records`: the record of each of CHANNELS. `words_url`: where messages can be previewed."""
    application = web.Application()
    add_web_view(application, records, words_url)
    if resetting is not None:
        resetting.add_to(application)
    add_sms_provider(application, records["sms"])
    add_vonage(application, records["sms_vonage"])
    add_sns(application, records["sms_sns"])
    add_webhook_receiver(application, records["webhooks"])
    add_web_push(application, records["web_push"])
    # last: a push topic may be any path of one segment
    add_push_provider(application, records["push"])
    return application
