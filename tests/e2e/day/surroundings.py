"""What the day's deployment is told to be: restraint, caps and a storm brake that a short day meets."""

from simulator.catchers.moods import Mood, MoodPlan
from tests.e2e.day.size import Size

CAPS = {"email": 12, "push": 12, "sms": 4}  # messages an hour to one person


def moods_of(seed: int) -> MoodPlan:
    """One message in eight meets trouble."""
    rates = {
        Mood.BUSY: 0.01,
        Mood.AWAY: 0.05,
        Mood.ERROR: 0.01,
        Mood.DROP: 0.01,
        Mood.CUT: 0.02,
        Mood.LIE: 0.01,
        Mood.SLOW: 0.025,
    }
    return MoodPlan(seed=seed, rates=rates)


def settings_of(size: Size, api_port: int) -> dict[str, str]:
    """Environment variables beside those of every end-to-end test."""
    return {
        "PAUSEWIRE_RESTRAINT__WINDOW_SECONDS": "3",
        "PAUSEWIRE_RESTRAINT__COLLECT_SECONDS": "0.5",
        "PAUSEWIRE_RESTRAINT__STORM_EMPLOYER_PER_MINUTE": str(max(8, size.recipients // 10)),
        "PAUSEWIRE_RESTRAINT__STORM_HOLD_MINUTES": "0.1",
        **{f"PAUSEWIRE_LIMITS__PERSON_{name.upper()}_PER_HOUR": str(n) for name, n in CAPS.items()},
        "PAUSEWIRE_BROKER__WORKER_THREADS": "12",
        "PAUSEWIRE_NOTIFIER__LEASE_SECONDS": "20",
        # As in production: what waits is told of by a bell, and two cores have enough to do.
        "PAUSEWIRE_NOTIFIER__POLL_SECONDS": "1",
        "PAUSEWIRE_NOTIFIER__SWEEP_SECONDS": "2",
        "PAUSEWIRE_API__PORT": str(api_port),
        # The SMS catcher's statuses settle what no answer did.
        "PAUSEWIRE_CALLBACKS__BASE_URL": f"http://127.0.0.1:{api_port}",
        "PAUSEWIRE_INGEST__LEASE_SECONDS": "6",
        "PAUSEWIRE_INGEST__SLICE_EVENTS": "100",
        "PAUSEWIRE_PROJECTIONS__CHUNK_EVENTS": "100",
        "PAUSEWIRE_NOTIFIER__CHUNK_EVENTS": "50",
    }
