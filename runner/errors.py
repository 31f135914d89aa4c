"""Name everything that can go wrong, once.

Every error is a sentence for a person (what, where, and the remedy) with two stable handles for a
program: ``name``, which never changes, and ``exit_code``::

    RunnerError                     1  FAILED
    ├── UsageError                  2  USAGE
    │   ├── ConfigError             2  CONFIG_INVALID
    │   ├── UnknownSeries           2  SERIES_UNKNOWN
    │   ├── FileUnwritable          2  FILE_UNWRITABLE
    │   ├── UrlMissing              2  URL_MISSING
    │   ├── UrlMalformed            2  URL_MALFORMED
    │   ├── HostUnknown             2  HOST_UNKNOWN
    │   ├── TlsRefused              2  TLS_REFUSED
    │   ├── AccessDenied            2  ACCESS_DENIED
    │   │   └── RoleMissing         2  ROLE_MISSING
    │   ├── DatabaseMissing         2  DATABASE_MISSING
    │   ├── ServerUnusable          2  SERVER_UNUSABLE
    │   ├── PoolerFound             2  POOLER_FOUND
    │   ├── ProgramMissing          2  PROGRAM_MISSING
    │   └── EmbeddedUnavailable     2  EMBEDDED_UNAVAILABLE
    ├── FileRefused                 1  FILE_REFUSED
    ├── SqlFailed                   1  SQL_FAILED
    ├── TransactionEnded            1  TRANSACTION_ENDED
    ├── ServerRefused               1  SERVER_REFUSED
    ├── CommitUnknown               5  COMMIT_UNKNOWN
    ├── CannotConnect               5  CANNOT_CONNECT
    ├── ConnectionLost              5  CONNECTION_LOST
    ├── LockHeld                    5  LOCK_HELD
    │   └── LockTimeout             5  LOCK_TIMEOUT
    ├── Interrupted                 1  INTERRUPTED
    ├── OutputLost                  1  OUTPUT_LOST
    ├── PlanAlarm                   6  PLAN_ALARM
    └── IntegrityError              4  INTEGRITY
        ├── FileUnreadable          4  FILE_UNREADABLE
        ├── FileName                4  FILE_NAME
        ├── VersionDuplicate        4  VERSION_DUPLICATE
        ├── VersionGap              4  VERSION_GAP
        ├── ChecksumMismatch        4  CHECKSUM_MISMATCH
        ├── FileRenamed             4  FILE_RENAMED
        ├── FileMissing             4  FILE_MISSING
        ├── FileLate                4  FILE_LATE
        ├── PendingUnexpected       4  PENDING_UNEXPECTED
        ├── WrongDatabase           4  WRONG_DATABASE
        ├── DatabaseNotEmpty        4  DATABASE_NOT_EMPTY
        ├── LedgerUntrusted         4  LEDGER_UNTRUSTED
        ├── LedgerChanged           4  LEDGER_CHANGED
        ├── ReferenceUnknown        4  REFERENCE_UNKNOWN
        ├── OrphansFound            4  ORPHANS_FOUND
        ├── SchemaInvalid           4  SCHEMA_INVALID
        │   └── IndexInvalid        4  INDEX_INVALID
        ├── Drift                   4  DRIFT
        └── ProofFailed             4  PROOF_FAILED

A driver's error is kept as ``__cause__``, except where its text would repeat a password.
"""

from typing import ClassVar, NamedTuple

LEFT_OUT = "What the server says besides is left out, as it may show values of rows: --verbose shows it."


class Place(NamedTuple):  # as in model: it starts faster
    """Point into a file: line and column from 1, in characters as PostgreSQL counts them."""

    path: str
    line: int
    column: int
    excerpt: tuple[tuple[int, str], ...] = ()  # (line number, text) around the place
    caret: int = 1  # column within the excerpt, which may begin in the middle of a long line

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class RunnerError(Exception):
    """Something went wrong that the runner can explain.

    ``message`` is one sentence that names the file or object; ``remedy`` says what to do about it;
    ``place`` is where in a file; ``notes`` are further lines (a diff, the server's DETAIL), and ``private``
    those that may show values of rows, which belong into no log. ``may_pass`` says of a connection that was
    refused that it may be granted while somebody waits: a starting container makes its role and its database
    behind its server.
    """

    name: ClassVar[str] = "FAILED"
    exit_code: ClassVar[int] = 1
    may_pass: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        remedy: str | None = None,
        place: Place | None = None,
        notes: tuple[str, ...] = (),
        private: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.place = place
        self.notes = notes
        self.private = private


class UsageError(RunnerError):
    """The command or its options do not fit together."""

    name = "USAGE"
    exit_code = 2


class ConfigError(UsageError):
    """The configuration is absent or says something impossible."""

    name = "CONFIG_INVALID"


class UnknownSeries(UsageError):
    """A series was named that the configuration does not have."""

    name = "SERIES_UNKNOWN"


class FileUnwritable(UsageError):
    """A file that a command was to write cannot be written."""

    name = "FILE_UNWRITABLE"


class UrlMissing(UsageError):
    """A chosen series has no database URL."""

    name = "URL_MISSING"


class UrlMalformed(UsageError):
    """A database URL cannot be understood. Its text is never repeated."""

    name = "URL_MALFORMED"


class HostUnknown(UsageError):
    """No host has the name that a URL gives."""

    name = "HOST_UNKNOWN"


class TlsRefused(UsageError):
    """The server cannot be reached as safely as the URL demands."""

    name = "TLS_REFUSED"


class AccessDenied(UsageError):
    """The server answers and refuses the connection, as it would again: password, pg_hba.conf, a right."""

    name = "ACCESS_DENIED"


class RoleMissing(AccessDenied):
    """The server answers, but it has no role of that name, or one that may not log in."""

    name = "ROLE_MISSING"
    may_pass = True


class DatabaseMissing(UsageError):
    """The server answers, but it has no database of that name."""

    name = "DATABASE_MISSING"
    may_pass = True


class ServerUnusable(UsageError):
    """The server is a standby, read-only, or too old."""

    name = "SERVER_UNUSABLE"


class PoolerFound(UsageError):
    """A file needs a session of its own, and a transaction pooler is in the way."""

    name = "POOLER_FOUND"


class ProgramMissing(UsageError):
    """A program of PostgreSQL's is needed and not installed."""

    name = "PROGRAM_MISSING"


class EmbeddedUnavailable(UsageError):
    """The embedded PostgreSQL is not installed or does not start."""

    name = "EMBEDDED_UNAVAILABLE"


class FileRefused(RunnerError):
    """A file holds something that must not be sent; nothing was."""

    name = "FILE_REFUSED"


class SqlFailed(RunnerError):
    """PostgreSQL rejected a file, which was rolled back."""

    name = "SQL_FAILED"

    def __init__(  # noqa: PLR0913 - facts, keyword-only
        self,
        message: str,
        *,
        sqlstate: str | None = None,  # pickle calls the class with its message alone
        remedy: str | None = None,
        place: Place | None = None,
        notes: tuple[str, ...] = (),
        private: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, remedy=remedy, place=place, notes=notes, private=private)
        self.sqlstate = sqlstate


class TransactionEnded(RunnerError):
    """A file ended the transaction it was applied in; it is not recorded."""

    name = "TRANSACTION_ENDED"


class ServerRefused(RunnerError):
    """The server refused something the runner asked, mostly for want of a right."""

    name = "SERVER_REFUSED"


class CommitUnknown(RunnerError):
    """No answer came to a commit: what it holds is applied and recorded, or neither."""

    name = "COMMIT_UNKNOWN"
    exit_code = 5


class CannotConnect(RunnerError):
    """No connection could be made, and another try may succeed."""

    name = "CANNOT_CONNECT"
    exit_code = 5
    may_pass = True


class ConnectionLost(RunnerError):
    """The connection broke before the commit was sent; the server rolls back."""

    name = "CONNECTION_LOST"
    exit_code = 5


class LockHeld(RunnerError):
    """Another runner holds the advisory lock."""

    name = "LOCK_HELD"
    exit_code = 5


class LockTimeout(LockHeld):
    """Another session holds a lock a file needs, or the two deadlocked."""

    name = "LOCK_TIMEOUT"


class Interrupted(RunnerError):
    """Ctrl-C: the running statement was cancelled on the server and its file rolled back."""

    name = "INTERRUPTED"


class OutputLost(RunnerError):
    """What a command printed could not be written; what it did in a database stands."""

    name = "OUTPUT_LOST"


class PlanAlarm(RunnerError):
    """A pending file does what ``plan --fail-on`` names."""

    name = "PLAN_ALARM"
    exit_code = 6


class IntegrityError(RunnerError):
    """The files, the ledger and the database do not belong together."""

    name = "INTEGRITY"
    exit_code = 4


class FileUnreadable(IntegrityError):
    """A migration file cannot be read as the text it must be."""

    name = "FILE_UNREADABLE"


class FileName(IntegrityError):
    """Something in a series' folder is not named like a migration."""

    name = "FILE_NAME"


class VersionDuplicate(IntegrityError):
    """Two files carry the same number."""

    name = "VERSION_DUPLICATE"


class VersionGap(IntegrityError):
    """A number is missing between two files."""

    name = "VERSION_GAP"


class ChecksumMismatch(IntegrityError):
    """An applied file was edited."""

    name = "CHECKSUM_MISMATCH"


class FileRenamed(IntegrityError):
    """An applied file has another name now."""

    name = "FILE_RENAMED"


class FileMissing(IntegrityError):
    """The ledger records a file that is not in the folder."""

    name = "FILE_MISSING"


class FileLate(IntegrityError):
    """A pending file has a lower number than one already applied."""

    name = "FILE_LATE"


class PendingUnexpected(IntegrityError):
    """Another number of files is pending than ``--expect`` says."""

    name = "PENDING_UNEXPECTED"


class WrongDatabase(IntegrityError):
    """The database belongs to another series."""

    name = "WRONG_DATABASE"


class DatabaseNotEmpty(IntegrityError):
    """The database has objects but no ledger."""

    name = "DATABASE_NOT_EMPTY"


class LedgerUntrusted(IntegrityError):
    """A table named like the ledger exists, but it is not the runner's."""

    name = "LEDGER_UNTRUSTED"


class LedgerChanged(IntegrityError):
    """The ledger is not what it was when the plan was made."""

    name = "LEDGER_CHANGED"


class ReferenceUnknown(IntegrityError):
    """The comment on a column names a column of another database that does not exist."""

    name = "REFERENCE_UNKNOWN"


class OrphansFound(IntegrityError):
    """Rows point at nothing in another database."""

    name = "ORPHANS_FOUND"


class SchemaInvalid(IntegrityError):
    """An index is invalid, or a constraint was never validated."""

    name = "SCHEMA_INVALID"


class IndexInvalid(SchemaInvalid):
    """After a file without a transaction an index is invalid; the file is not recorded."""

    name = "INDEX_INVALID"


class Drift(IntegrityError):
    """The schema of a database is not what its applied files make."""

    name = "DRIFT"


class ProofFailed(IntegrityError):
    """A file may not be run twice, or its rollback does not undo it."""

    name = "PROOF_FAILED"
