"""The lists of a Region, each read once, however often it is asked for: so several plans are made of the same."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar

from lightkeeper.faults import CallError
from lightkeeper.inventory import Reader
from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import Snapshot, Source, StaticIp

_T = TypeVar("_T")


class ReadOnce:
    """The lists of a Region; a `Reader` itself. One that fails fails the same way each time.

    Parameters
    ----------
    reader
        Where they are read when they are first asked for.
    """

    def __init__(self, reader: Reader) -> None:
        self._sources = {kind: _List(partial(reader.sources, kind)) for kind in SourceKind}
        self._snapshots = {kind: _List(partial(reader.snapshots, kind)) for kind in SnapshotKind}
        self._static_ips = _List(reader.static_ips)

    def sources(self, kind: SourceKind) -> Iterator[Source]:
        """Yield all sources of a kind."""
        return iter(self._sources[kind])

    def snapshots(self, kind: SnapshotKind) -> Iterator[Snapshot]:
        """Yield all snapshots of a kind, anybody's."""
        return iter(self._snapshots[kind])

    def readable_snapshots(self) -> Iterator[Snapshot]:
        """Yield the snapshots of all kinds, as far as they can be read; a failure is `snapshots`' to tell."""
        for kind in SnapshotKind:
            with suppress(CallError):
                yield from self.snapshots(kind)

    def static_ips(self) -> Iterator[StaticIp]:
        """Yield all static IPs."""
        return iter(self._static_ips)


class _List(Generic[_T]):
    def __init__(self, read: Callable[[], Iterator[_T]]) -> None:
        self._read = read
        self._entries: list[_T] | None = None
        self._error: CallError | None = None

    def __iter__(self) -> Iterator[_T]:
        if self._entries is None:
            self._entries = []
            try:
                self._entries.extend(self._read())
            except CallError as error:
                self._error = error
        yield from self._entries
        if self._error:
            raise self._error
