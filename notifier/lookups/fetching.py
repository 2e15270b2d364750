"""One question over HTTP and its answer in JSON: what all providers that can be asked share."""

from collections.abc import Mapping
from typing import TypeVar

import aiohttp

from notifier.channels.http_answers import read_json, retry_after_seconds
from notifier.channels.sms.posting import body_of
from notifier.lookups.provider import AskRefused

MOST_BYTES = 1024 * 1024

T = TypeVar("T")


async def fetch(
    session: aiohttp.ClientSession,
    url: str,
    *,
    asked: Mapping[str, str],
    headers: Mapping[str, str],
    shape: type[T],
) -> T | None:
    """GET it as this shape; None: the provider has no such thing (404). Raises AskRefused."""
    try:
        async with session.get(
            url, params=asked, headers=headers, allow_redirects=False
        ) as response:
            body = await body_of(response, MOST_BYTES)
            status, told = response.status, response.headers
    except (aiohttp.ClientError, TimeoutError) as error:
        raise AskRefused(type(error).__name__) from error
    if status == 404:
        return None
    if status != 200:
        raise AskRefused(f"answered {status}", retry_after_seconds=retry_after_seconds(told))
    said = read_json(body, shape)
    if said is None:
        raise AskRefused("not what was asked for, in JSON")
    return said
