"""Packages of npm for tests: installed from a lock file, once, into the folder that holds it.

Git ignores `node_modules`. Where node or npm is missing the test is skipped, or fails where servers are
required (CI); `.ci/run` installs both.
"""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from tests.services import missing

_OLDEST_NODE = 18


def installed(folder: Path) -> Path:
    """The folder, with what its package-lock.json names in its node_modules."""
    if shutil.which("npm") is None or _node_version() < _OLDEST_NODE:
        missing(f"npm, with node {_OLDEST_NODE} or newer", "PATH")
    with (folder / ".npmrc").open() as lock:  # xdist's workers come here at the same time
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = folder / "node_modules/.package-lock.json"
        if (
            not stamp.exists()
            or stamp.stat().st_mtime < (folder / "package-lock.json").stat().st_mtime
        ):
            npm(folder, "ci", "--no-audit", "--no-fund")
    return folder


def npm(folder: Path, *arguments: str) -> str:
    """What an npm command says; fails the test with it when the command fails."""
    return node(folder, *arguments, program="npm")


def node(folder: Path, *arguments: str, program: str = "node", **variables: str) -> str:
    """What a program says; fails the test with it when it fails."""
    done = subprocess.run(
        [program, *arguments],
        cwd=folder,
        env={**_environment(), **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{program} {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
    return done.stdout


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PAUSEWIRE_")}


def _node_version() -> int:
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    return int(said.lstrip("v").partition(".")[0] or 0)
