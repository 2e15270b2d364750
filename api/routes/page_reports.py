"""What pages tell of themselves: how often they are looked at, and what broke, without any person in it."""

import time
from typing import Final, Literal

import structlog
from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, Counter
from pydantic import BaseModel, ConfigDict, Field

from api.problems import INVALID_REQUEST, documented
from api.shown import Documented, example

log = structlog.get_logger()
router = APIRouter(prefix="/v1/page-reports", tags=["operation"])

PAGE_ERROR_REPORTED: Final = "page_error_reported"
PER_MINUTE: Final = 600  # of one process, whoever sends them
VIEWS: Final = ("streams", "stream", "operations", "log", "inbox")
ERRORS: Final = ("script_error", "failed_load", "csp_violation")
_LINE: Final = 10_000_000


class PageReport(BaseModel):
    """One thing that a page tells."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"kind": "view", "view": "streams"}]}
    )

    kind: Literal["view", "script_error", "failed_load", "csp_violation"]
    view: Literal["streams", "stream", "operations", "log", "inbox"]
    source: str = Field("", max_length=60, pattern=r"^[A-Za-z0-9._-]*$", description="file name")
    line: int = Field(0, ge=0, le=_LINE)


class ReportTaken(Documented):
    """Counted, or left out where too many come."""

    model_config = example(status="ok")

    status: Literal["ok"]


class PageReports:
    """Counts reports; beyond so many a minute they are dropped, and that is counted."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._views = Counter(
            "pausewire_page_views", "Views of the page.", ("view",), registry=registry
        )
        self._errors = Counter(
            "pausewire_page_errors", "Errors that pages met.", ("kind",), registry=registry
        )
        self._dropped = Counter(
            "pausewire_page_reports_dropped", "Reports beyond the limit.", registry=registry
        )
        self._minute, self._taken = 0, 0
        for view in VIEWS:
            self._views.labels(view)
        for kind in ERRORS:
            self._errors.labels(kind)

    def take(self, report: PageReport, minute: int) -> None:
        """Count a report."""
        if minute != self._minute:
            self._minute, self._taken = minute, 0
        self._taken += 1
        if self._taken > PER_MINUTE:
            self._dropped.inc()
        elif report.kind == "view":
            self._views.labels(report.view).inc()
        else:
            self._errors.labels(report.kind).inc()
            log.warning(
                PAGE_ERROR_REPORTED,
                kind=report.kind,
                view=report.view,
                source=report.source,
                line=report.line,
            )


@router.post("", summary="A page tells of itself", responses=documented(INVALID_REQUEST))
async def page_report(request: Request, report: PageReport) -> ReportTaken:
    """Views and errors of the reference page, for the objective that pages work. Needs no key."""
    reports: PageReports = request.app.state.page_reports
    reports.take(report, int(time.monotonic() / 60))
    return ReportTaken(status="ok")
