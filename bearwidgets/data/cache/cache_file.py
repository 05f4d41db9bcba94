"""One table in a SQLite file that may be deleted at any time, shared by processes and bounded in size."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

LARGEST = 256 * 2**20  # bytes of the file above which it starts anew
_QUERY = 900  # SQLite allows 999 parameters in old builds


def cache_dir() -> Path:
    """The folder for all that may be deleted at any time; `BEARWIDGETS_CACHE` overrides the user's own."""
    override = os.environ.get("BEARWIDGETS_CACHE")
    return Path(override) if override else Path(platformdirs.user_cache_dir("bearwidgets"))


class CacheFile:
    """Rows by their first column. A file that is damaged, of another schema or too large is made anew.

    `columns` is the table as SQLite wants it; `schema` goes up when what the rows mean changes. Each row has a
    checksum; one that was damaged is as if it had not been kept.
    """

    def __init__(self, path: Path, columns: str, schema: int) -> None:
        head, _, tail = columns.rpartition(")")
        self._columns = f"{head}, checksum INTEGER){tail}"
        self.path, self._schema = path, schema

    def get(self, keys: Iterable[str]) -> list[list]:
        """The rows of these keys that are kept, in no order; none where the file cannot be read."""
        wanted, rows = list(keys), []
        name = self._columns.strip("(").split()[0]
        with contextlib.suppress(sqlite3.Error, OSError), self._database() as database:
            for start in range(0, len(wanted), _QUERY):
                some = wanted[start : start + _QUERY]
                marks = ",".join("?" * len(some))
                query = f"SELECT * FROM cache WHERE {name} IN ({marks})"  # noqa: S608 - marks and a name of this package
                found = database.execute(query, some).fetchall()
                rows += [row for *row, known in found if _checksum(row) == known]
        return rows

    def put(self, rows: list[tuple]) -> None:
        """Keep rows, in the place of older ones of the same keys.

        Raises:
            sqlite3.Error, OSError: the file cannot be written.
        """
        if not rows:
            return
        rows = [(*row, _checksum(row)) for row in rows]
        marks = ",".join("?" * len(rows[0]))
        with self._database() as database:
            database.executemany(f"INSERT OR REPLACE INTO cache VALUES ({marks})", rows)  # noqa: S608

    @contextlib.contextmanager
    def _database(self) -> Generator[sqlite3.Connection]:
        """One transaction on the file, which is made or made anew where needed."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            database = self._connect()
        except sqlite3.OperationalError:
            raise  # locked or not writable: the file may be good
        except sqlite3.DatabaseError:
            self.path.unlink(missing_ok=True)
            database = self._connect()
        try:
            with database:
                yield database
        finally:
            database.close()

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=5)
        try:
            database.execute("PRAGMA synchronous=OFF")
            (schema,) = database.execute("PRAGMA user_version").fetchone()
            if schema != self._schema or self.path.stat().st_size > LARGEST:
                tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
                for (name,) in database.execute(tables).fetchall():
                    quoted = name.replace('"', '""')
                    database.execute(f'DROP TABLE "{quoted}"')
                database.execute(f"CREATE TABLE cache {self._columns}")
                database.execute(f"PRAGMA user_version={self._schema}")
                database.commit()
                database.execute("VACUUM")
        except BaseException:
            database.close()
            raise
        return database


def _checksum(row: Iterable[object]) -> int:
    return zlib.crc32(repr(tuple(row)).encode(errors="surrogatepass"))
