"""The page of everything caught, newest first, and the same as JSON."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from jinja2 import Environment

from simulator.catchers.caught import Caught

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="5">
<title>Caught messages</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  article { border: 1px solid #8888; border-radius: .5rem; padding: .75rem 1rem; margin: 1rem 0; }
  h2 { font-size: 1rem; margin: 0 0 .25rem; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .5rem 0 0; font: inherit; }
  small { color: #666; }
  @media (prefers-color-scheme: dark) { body { background: #111; color: #eee } small { color: #aaa } }
</style>
</head>
<body>
<h1>Caught messages</h1>
<p>{{ messages|length }} shown, newest first. Nothing of this left the machine.
<a href="/messages.json">As JSON</a>{% if words_url %} ·
<a href="{{ words_url }}">How every kind reads, in every language</a>{% endif %}</p>
{% for message in messages %}
<article>
<h2 dir="auto">{{ message.channel }} to {{ message.to or message.topic }}
{% if message.subject or message.title %}· {{ message.subject or message.title }}{% endif %}</h2>
<small>{{ message.received_at }} · {{ message.message_id or message.sid or message.id }}</small>
<pre dir="auto">{{ message.text or message.body or message.message }}</pre>
{% if message.html %}
<p><a href="/mail/{{ message.received_at | urlencode }}">As the mailbox shows it</a></p>
{% endif %}
</article>
{% else %}
<p>Nothing yet.</p>
{% endfor %}
</body>
</html>
"""
SHOWN = 200


# A mail runs nothing and fetches nothing, whatever is in it.
_MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-popups"


def add_web_view(
    application: web.Application, records: Mapping[str, Caught], words_url: str | None = None
) -> None:
    """Add `GET /`, `GET /messages.json?channel=` and the mails' HTML; `records` by channel.

    `words_url`: where it is shown how each kind of message reads.
    """
    template = Environment(autoescape=True).from_string(_PAGE)

    def newest(channel: str | None) -> list[dict[str, Any]]:
        chosen = records if channel is None else {channel: records[channel]}
        merged = [
            {"channel": name, **message}
            for name, caught in chosen.items()
            for message in caught.newest_first()
        ]
        return sorted(merged, key=lambda message: message["received_at"], reverse=True)

    async def page(_request: web.Request) -> web.Response:
        return web.Response(
            text=template.render(messages=newest(None)[:SHOWN], words_url=words_url),
            content_type="text/html",
        )

    async def as_json(request: web.Request) -> web.Response:
        channel = request.query.get("channel")
        if channel is not None and channel not in records:
            raise web.HTTPNotFound(text=f"no channel {channel!r}")
        return web.json_response(newest(channel))

    application.router.add_get("/", page)
    if "mail" in records:
        _add_mail_view(application, records["mail"])
    application.router.add_get("/messages.json", as_json)


def _add_mail_view(application: web.Application, mails: Caught) -> None:
    """Add `GET /mail/{received_at}`: the HTML of one mail, by when it came."""

    async def as_mail(request: web.Request) -> web.Response:
        wanted = request.match_info["received_at"]
        for message in mails.newest_first():
            if message["received_at"] == wanted and message["html"]:
                headers = {"Content-Security-Policy": _MAIL_POLICY}
                return web.Response(text=message["html"], content_type="text/html", headers=headers)
        raise web.HTTPNotFound(text="no such mail is kept")

    application.router.add_get("/mail/{received_at}", as_mail)
