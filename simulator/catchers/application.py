"""The catchers' web application: SMS and push providers, a receiver of webhooks, the page."""

from collections.abc import Mapping

from aiohttp import web

from simulator.catchers.caught import Caught
from simulator.catchers.device_apis import FCM, GOTIFY, PUSHOVER, google_token
from simulator.catchers.moods import Moods
from simulator.catchers.push import add_push_provider
from simulator.catchers.push_apis import add_push_apis
from simulator.catchers.room_apis import DISCORD, SLACK, TELEGRAM
from simulator.catchers.sms import add_sms_provider
from simulator.catchers.sns import add_sns
from simulator.catchers.vonage import add_vonage
from simulator.catchers.web_push import add_web_push
from simulator.catchers.web_view import add_web_view
from simulator.catchers.webhooks import add_webhook_receiver
from simulator.resetting import Resetting

CHANNELS = ("mail", "sms", "push", "sms_vonage", "sms_sns", "webhooks", "web_push", "push_apis")


def web_application(
    records: Mapping[str, Caught],
    resetting: Resetting | None = None,
    *,
    words_url: str | None = None,
    moods: Moods | None = None,
) -> web.Application:
    """`records`: the record of each of CHANNELS. `words_url`: where messages can be previewed.

    `moods`: of the providers; None: every day is a good one.
    """
    application = web.Application(middlewares=[] if moods is None else [moods.middleware])
    add_web_view(application, records, words_url)
    if resetting is not None:
        resetting.add_to(application)
    add_sms_provider(application, records["sms"])
    add_vonage(application, records["sms_vonage"])
    add_sns(application, records["sms_sns"])
    add_webhook_receiver(application, records["webhooks"])
    add_web_push(application, records["web_push"])
    add_push_apis(
        application, records["push_apis"], FCM, PUSHOVER, GOTIFY, SLACK, DISCORD, TELEGRAM
    )
    application.router.add_post("/fcm/token", google_token)
    # last: a push topic may be any path of one segment
    add_push_provider(application, records["push"])
    return application
