"""Our own keys, from where `secrets.provider` says."""

import base64
import os
import secrets
import tempfile
from pathlib import Path

from config.errors import ConfigurationError, Fault
from config.platform_settings import MASTER_KEY_BYTES, decoded_master_key
from config.settings import Settings

MASTER_KEY_FILE = "master_key"


def master_key(settings: Settings) -> bytes:
    """The 32 bytes that wrap the keys of recipients' data.

    The provider `development` makes them at the first call and finds them again later.
    Raises ConfigurationError.
    """
    provider = settings.secrets.provider
    if provider == "file":
        return _from_file(*master_key_files(settings))
    if settings.secrets.master_key is not None:
        return decoded_master_key(settings.secrets.master_key.get_secret_value())
    if provider == "development":
        (path,) = master_key_files(settings)
        _make_once(path)
        return _from_file(path)
    raise _missing(
        "no master key is set",
        "env PAUSEWIRE_SECRETS__MASTER_KEY",
        'set it (or PAUSEWIRE_SECRETS__MASTER_KEY_FILE) to what "openssl rand -base64 32" prints',
    )


def master_key_files(settings: Settings) -> tuple[Path, ...]:
    """The files that the provider looks for the master key in, beside the setting; the first one counts."""
    folders = {"file": settings.secrets.directory, "development": settings.state_dir}
    folder = folders.get(settings.secrets.provider)
    return () if folder is None else (folder / MASTER_KEY_FILE,)


def _from_file(path: Path) -> bytes:
    try:
        return decoded_master_key(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise _missing(
            str(error), f"file {path}", "let it hold base64 of 32 random bytes"
        ) from error


def _make_once(path: Path) -> None:
    """Write a new key, readable by its owner only; of processes that start together one wins."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    key = base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES))
    descriptor, draft = tempfile.mkstemp(dir=path.parent)  # mkstemp makes it with mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass  # the other process was first, and its key counts
    finally:
        Path(draft).unlink()


def _missing(problem: str, layer: str, fix: str) -> ConfigurationError:
    return ConfigurationError([Fault("secrets.master_key", problem, layer, fix)])
