"""The HTTP application: routes, what every answer passes on its way, and the document of it all.

In: what the process gives (ApiDependencies). Out: a FastAPI app that holds no state of its own.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from api import openapi, problem_answers, problems
from api.callback_counts import CallbackCounts
from api.database_metrics import DatabaseMetrics
from api.dependencies import ApiDependencies
from api.etag import FRESH_HEADER
from api.exports import Exports
from api.feed import Feed, FeedMetrics
from api.middleware import BodyLimit, DefectGuard, SafeHeaders, UnderPath
from api.networks import ClientAddress
from api.rate_limits import RATE_HEADERS, AddressLimit, Limiter
from api.read_noting import NoteReads, ReadLog
from api.request_counts import RequestCounts
from api.request_metrics import RequestMetrics
from api.request_tally import RequestTally
from api.routes import (
    audit,
    auth,
    callbacks,
    confirm,
    contracts,
    deliveries,
    exports,
    feed_stream,
    me,
    my_changes,
    my_contacts,
    operations,
    page_reports,
    preferences,
    preview,
    reference,
    stream_extras,
    streams,
    told,
    unsubscribe,
    webhook_deliveries,
    webhooks,
)
from api.time_limits import TimeLimits
from api.web import page, sandbox

_AREAS = (
    *(streams, contracts, feed_stream, exports, auth, me, my_contacts, preferences, unsubscribe),
    *(confirm, told, my_changes),
    *(deliveries, callbacks, webhooks, webhook_deliveries, operations, preview, reference),
    *(stream_extras, audit, page_reports, sandbox, page),
)


def _metrics_of(given: ApiDependencies) -> DatabaseMetrics:
    return DatabaseMetrics(
        given.database, given.contracts, given.latency_seconds, canary=given.canary
    )


def create_app(dependencies: ApiDependencies) -> FastAPI:
    """Make the application. Nothing is opened before the first request."""
    feed = _feed(dependencies)
    tally = RequestTally(dependencies.database)
    counts = RequestCounts(dependencies.database)
    limiter = Limiter(counts, dependencies.rate_limits, dependencies.vault)
    reads = _read_log(dependencies)
    app = FastAPI(
        title=openapi.TITLE,
        version=dependencies.version,
        description=openapi.description(),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirect would repeat the Host header that was sent
        lifespan=_lifespan(dependencies, feed, tally, counts, reads),
        middleware=_middleware(dependencies, tally, limiter, reads),
        # FastAPI's own telemetry would record exception texts, which may quote what people sent.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        exception_handlers={
            problems.Problem: problem_answers.on_problem,
            HTTPException: problem_answers.on_http_exception,
            RequestValidationError: problem_answers.on_invalid_request,
        },
    )
    app.state.dependencies = dependencies
    app.state.feed = feed
    app.state.request_tally = tally
    app.state.reads = reads
    app.state.limiter = limiter
    app.state.exports = Exports(dependencies.database, dependencies.contracts)
    dependencies.registry.register(_metrics_of(dependencies))
    app.state.page_reports = page_reports.PageReports(dependencies.registry)
    app.state.callback_counts = CallbackCounts(dependencies.registry)
    for area in _AREAS:
        app.include_router(area.router, responses=problems.documented(*problems.EVERYWHERE))
    app.openapi = openapi.described(app)  # type: ignore[method-assign] # FastAPI's documented way to extend it
    return app


def _lifespan(
    dependencies: ApiDependencies,
    feed: Feed,
    tally: RequestTally,
    counts: RequestCounts,
    reads: ReadLog,
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with tally.writing(), reads.writing():
            yield
        await feed.close()
        await dependencies.webhooks.close()
        await counts.close()
        await dependencies.database.close_async()

    return lifespan


def _read_log(dependencies: ApiDependencies) -> ReadLog:
    return ReadLog(
        dependencies.database,
        dependencies.vault,
        dependencies.registry,
        dependencies.read_log_days,
    )


def _feed(dependencies: ApiDependencies) -> Feed:
    return Feed(
        dependencies.database,
        FeedMetrics(dependencies.registry),
        heartbeat_seconds=dependencies.feed_heartbeat_seconds,
        poll_seconds=dependencies.feed_poll_seconds,
        most_connections=dependencies.feed_connections,
    )


def _middleware(
    dependencies: ApiDependencies, tally: RequestTally, limiter: Limiter, reads: ReadLog
) -> list[Middleware]:
    """Outermost first: requests are counted whole, and a defect's answer has safe headers too."""
    chain = [
        Middleware(UnderPath, root_path=dependencies.root_path),
        Middleware(RequestMetrics, registry=dependencies.registry, tally=tally),
        Middleware(SafeHeaders),
        Middleware(ClientAddress, trusted=dependencies.trusted_proxies),
    ]
    if dependencies.cors_origins:
        chain.append(
            Middleware(
                CORSMiddleware,
                allow_origins=dependencies.cors_origins,
                allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
                allow_headers=("Authorization", "Content-Type", "If-None-Match", "Last-Event-ID"),
                expose_headers=("ETag", FRESH_HEADER, *RATE_HEADERS, "Retry-After"),
            )
        )
    return [
        *chain,
        Middleware(AddressLimit, limiter=limiter),
        Middleware(NoteReads, reads=reads),
        Middleware(TimeLimits),
        Middleware(DefectGuard),
        Middleware(BodyLimit),
    ]
