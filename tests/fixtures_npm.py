"""The JavaScript SDK for tests: installed from its lock file on first need, outside of what is tracked."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.services import missing

_PROJECT = Path(__file__).with_name("npm")
_FILES = ("package.json", "package-lock.json", ".npmrc")
_INSTALL_SECONDS = 300


@pytest.fixture(scope="session")
def npm_modules() -> Path:
    """The folder of the installed modules, for NODE_PATH. One folder for each lock file."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        missing("node and npm", "PATH")
    lock = hashlib.sha256((_PROJECT / "package-lock.json").read_bytes()).hexdigest()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    ready = cache / "pausewire-tests" / f"npm-{lock[:16]}"
    if not ready.exists():
        _install(npm, ready)
    return ready / "node_modules"


def _install(npm: str, ready: Path) -> None:
    """Install beside, then rename: whoever comes second finds it whole."""
    under_way = ready.with_name(f"{ready.name}.{os.getpid()}")
    under_way.mkdir(parents=True)
    for name in _FILES:
        shutil.copyfile(_PROJECT / name, under_way / name)
    done = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund"],
        cwd=under_way,
        capture_output=True,
        text=True,
        timeout=_INSTALL_SECONDS,
        check=False,
    )
    if done.returncode:
        shutil.rmtree(under_way)
        missing(f"JavaScript SDK (npm ci: {done.stderr[-300:]})", "npm's registry")
    try:
        under_way.rename(ready)
    except OSError:  # another test process was faster
        shutil.rmtree(under_way)
