"""Objects in a bucket, S3's or Google's, by name below a prefix: the few requests the program makes of a store.

An object appears whole or not at all, and what was written is listed and read at once: S3 and Google Cloud Storage have
promised both for years. Credentials come from the environment (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`,
`GOOGLE_APPLICATION_CREDENTIALS` ...) or from the machine's role. Requests that fail for now are repeated for a minute.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.errors import DatasetError

RETRY_FOR = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """What a listing tells of an object. `tag` changes with its content."""

    key: str
    tag: str
    modified_at: datetime


class Objects:
    """The objects below `url`. Raises `DatasetError` with the address for whatever the store refuses."""

    def __init__(self, url: str) -> None:
        try:
            import obstore
            from obstore.store import from_url
        except ImportError as error:
            raise DatasetError(f"{url}: reading object stores needs an extra: install newsbeam[cloud]") from error
        self.url = url
        plain = any(os.environ.get(name, "").startswith("http:") for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT"))
        with self._told(""):
            self._store = from_url(
                url,
                client_options={"allow_http": True} if plain else None,
                retry_config={"max_retries": 8, "retry_timeout": RETRY_FOR},
            )
        self._client: Any = obstore

    def put(self, key: str, data: bytes | Path) -> str:
        """Write an object; its tag."""
        with self._told(key):
            return str(self._request("put", key, data)["e_tag"])

    def create(self, key: str, data: bytes) -> bool:
        """Write an object that must not be there yet; False, and nothing changed, when it is."""
        with self._told(key):
            try:
                self._request("put", key, data, mode="create")
            except self._client.exceptions.AlreadyExistsError:
                return False
        return True

    def get(self, key: str) -> bytes | None:
        """An object; None when it is not there."""
        with self._told(key):
            try:
                return bytes(self._request("get", key).bytes())
            except FileNotFoundError:
                return None

    def download(self, key: str, place: Path) -> bool:
        """Write an object to `place`, which appears whole; False when it is not there."""
        staged = place.with_name(f"{place.name}.part")
        with self._told(key):
            try:
                chunks = self._request("get", key).stream(min_chunk_size=8 << 20)
            except FileNotFoundError:
                return False
            with staged.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
        staged.rename(place)
        return True

    def list(self, prefix: str) -> Iterator[Stat]:
        """All objects below `prefix`, in the order of their names."""
        with self._told(prefix):
            for found in sorted(self._request("list", prefix).collect(), key=lambda found: str(found["path"])):
                yield Stat(key=found["path"], tag=str(found["e_tag"]), modified_at=found["last_modified"])

    def move(self, key: str, place: str) -> None:
        """Copy within the store, then delete; nothing happens when `key` is not there."""
        with self._told(key):
            try:
                self._request("copy", key, place)
            except FileNotFoundError:
                return
        self.delete([key])

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects, those too that are not there."""
        if wanted := list(keys):
            with self._told(wanted[0]):
                self._request("delete", wanted)

    def _request(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Every request to the store passes here."""
        return getattr(self._client, name)(self._store, *arguments, **options)

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """The store's errors as the program's own."""
        try:
            yield
        except Exception as error:
            if isinstance(error, DatasetError):
                raise
            reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise DatasetError(f"{self.url}/{key}: {reason[:300]}") from error
