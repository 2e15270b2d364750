"""Objects of a data lake by key: a folder (`file://`), S3-compatible storage (`s3://`), `gs://`, `https://`.

Read by obstore (Rust's object_store), which takes credentials and endpoint of S3 from the usual variables
(AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL …; AWS_SKIP_SIGNATURE=true for a public bucket).
"""

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ingest.errors import LakeUnavailable, LakeUnusable

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_CREDENTIALS: Final = re.compile(r"//[^/@]*@")
_RETRIES: Final = 2


class Objects:
    """The objects below a URL; `name` says where, without credentials."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        """Nothing is opened yet: a folder may come later than we do."""
        self.name = f"lake {_CREDENTIALS.sub('//', url)}"
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._opened: ObjectStore | None = None

    @property
    def _store(self) -> "ObjectStore":
        """Raises LakeUnusable where the URL is none of a lake."""
        self._opened = self._opened or _open(self._url, self.name, self._timeout_seconds)
        return self._opened

    async def get(self, key: str) -> bytes | None:
        """The object, None where there is none. Raises LakeUnavailable, LakeUnusable."""
        import obstore
        from obstore import exceptions

        try:
            return bytes(await (await obstore.get_async(self._store, key)).bytes_async())
        except FileNotFoundError:
            return None
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
            raise LakeUnusable(self.name, "it does not let us read") from error
        except (exceptions.BaseError, OSError, ValueError) as error:
            raise LakeUnavailable(f"{self.name}: {type(error).__name__}") from error

    async def below(self, folder: str) -> list[str]:
        """The keys and folders right below a folder, hidden ones left out. Raises LakeUnavailable."""
        import obstore
        from obstore import exceptions

        try:
            found = await obstore.list_with_delimiter_async(self._store, folder or None)
        except FileNotFoundError:
            return []
        except (exceptions.BaseError, OSError, ValueError) as error:
            raise LakeUnavailable(f"{self.name}: {type(error).__name__}") from error
        keys = [*found["common_prefixes"], *(each["path"] for each in found["objects"])]
        return [key for key in keys if not key.startswith(".")]


def _open(url: str, name: str, timeout_seconds: float) -> "ObjectStore":
    from obstore import exceptions
    from obstore.store import LocalStore, from_url

    try:
        if url.startswith("file://"):
            return LocalStore.from_url(url)
        return from_url(
            url,
            client_options={
                "timeout": timedelta(seconds=timeout_seconds),
                "allow_http": True,
            },
            retry_config={
                "max_retries": _RETRIES,
                "retry_timeout": timedelta(seconds=timeout_seconds),
            },
        )
    except (exceptions.BaseError, OSError, ValueError) as error:
        raise LakeUnusable(name, f"it cannot be opened: {type(error).__name__}") from error
