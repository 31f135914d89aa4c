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

from typing import Any, ClassVar, NamedTuple

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

    def __init_subclass__(cls, *, name: str = "", exit_code: int = 0, may_pass: bool = False) -> None:
        """Take what a class says of itself; what it does not say is as in the class above it."""
        super().__init_subclass__()
        cls.name = name or cls.name
        cls.exit_code = exit_code or cls.exit_code
        cls.may_pass = may_pass or cls.may_pass

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


class UsageError(RunnerError, name="USAGE", exit_code=2):
    """The command or its options do not fit together."""


class ConfigError(UsageError, name="CONFIG_INVALID"):
    """The configuration is absent or says something impossible."""


class UnknownSeries(UsageError, name="SERIES_UNKNOWN"):
    """A series was named that the configuration does not have."""


class FileUnwritable(UsageError, name="FILE_UNWRITABLE"):
    """A file that a command was to write cannot be written."""


class UrlMissing(UsageError, name="URL_MISSING"):
    """A chosen series has no database URL."""


class UrlMalformed(UsageError, name="URL_MALFORMED"):
    """A database URL cannot be understood. Its text is never repeated."""


class HostUnknown(UsageError, name="HOST_UNKNOWN"):
    """No host has the name that a URL gives."""


class TlsRefused(UsageError, name="TLS_REFUSED"):
    """The server cannot be reached as safely as the URL demands."""


class AccessDenied(UsageError, name="ACCESS_DENIED"):
    """The server answers and refuses the connection, as it would again: password, pg_hba.conf, a right."""


class RoleMissing(AccessDenied, name="ROLE_MISSING", may_pass=True):
    """The server answers, but it has no role of that name, or one that may not log in."""


class DatabaseMissing(UsageError, name="DATABASE_MISSING", may_pass=True):
    """The server answers, but it has no database of that name."""


class ServerUnusable(UsageError, name="SERVER_UNUSABLE"):
    """The server is a standby, still being restored, read-only, or too old."""


class PoolerFound(UsageError, name="POOLER_FOUND"):
    """A file needs a session of its own, and a transaction pooler is in the way."""


class ProgramMissing(UsageError, name="PROGRAM_MISSING"):
    """A program of PostgreSQL's is needed and not installed."""


class EmbeddedUnavailable(UsageError, name="EMBEDDED_UNAVAILABLE"):
    """The embedded PostgreSQL is not installed or does not start."""


class FileRefused(RunnerError, name="FILE_REFUSED"):
    """A file holds something that must not be sent; nothing was."""


class SqlFailed(RunnerError, name="SQL_FAILED"):
    """PostgreSQL rejected a file, which was rolled back."""

    # Pickle calls the class with its message alone.
    def __init__(self, message: str, *, sqlstate: str | None = None, **others: Any) -> None:  # noqa: ANN401 - as of RunnerError
        super().__init__(message, **others)
        self.sqlstate = sqlstate


class TransactionEnded(RunnerError, name="TRANSACTION_ENDED"):
    """A file ended the transaction it was applied in; it is not recorded."""


class ServerRefused(RunnerError, name="SERVER_REFUSED"):
    """The server refused something the runner asked, mostly for want of a right."""


class CommitUnknown(RunnerError, name="COMMIT_UNKNOWN", exit_code=5):
    """No answer came to a commit: what it holds is applied and recorded, or neither."""


class CannotConnect(RunnerError, name="CANNOT_CONNECT", exit_code=5, may_pass=True):
    """No connection could be made, and another try may succeed."""


class ConnectionLost(RunnerError, name="CONNECTION_LOST", exit_code=5):
    """The connection broke before the commit was sent; the server rolls back."""


class LockHeld(RunnerError, name="LOCK_HELD", exit_code=5):
    """Another runner holds the advisory lock."""


class LockTimeout(LockHeld, name="LOCK_TIMEOUT"):
    """Another session holds a lock a file needs, or the two deadlocked."""


class Interrupted(RunnerError, name="INTERRUPTED"):
    """Ctrl-C: the running statement was cancelled on the server and its file rolled back."""


class OutputLost(RunnerError, name="OUTPUT_LOST"):
    """What a command printed could not be written; what it did in a database stands."""


class PlanAlarm(RunnerError, name="PLAN_ALARM", exit_code=6):
    """A pending file does what ``plan --fail-on`` names."""


class IntegrityError(RunnerError, name="INTEGRITY", exit_code=4):
    """The files, the ledger and the database do not belong together."""


class FileUnreadable(IntegrityError, name="FILE_UNREADABLE"):
    """A migration file cannot be read as the text it must be."""


class FileName(IntegrityError, name="FILE_NAME"):
    """Something in a series' folder is not named like a migration."""


class VersionDuplicate(IntegrityError, name="VERSION_DUPLICATE"):
    """Two files carry the same number."""


class VersionGap(IntegrityError, name="VERSION_GAP"):
    """A number is missing between two files."""


class ChecksumMismatch(IntegrityError, name="CHECKSUM_MISMATCH"):
    """An applied file was edited."""


class FileRenamed(IntegrityError, name="FILE_RENAMED"):
    """An applied file has another name now."""


class FileMissing(IntegrityError, name="FILE_MISSING"):
    """The ledger records a file that is not in the folder."""


class FileLate(IntegrityError, name="FILE_LATE"):
    """A pending file has a lower number than one already applied."""


class PendingUnexpected(IntegrityError, name="PENDING_UNEXPECTED"):
    """Another number of files is pending than ``--expect`` says."""


class WrongDatabase(IntegrityError, name="WRONG_DATABASE"):
    """The database belongs to another series."""


class DatabaseNotEmpty(IntegrityError, name="DATABASE_NOT_EMPTY"):
    """The database has objects but no ledger."""


class LedgerUntrusted(IntegrityError, name="LEDGER_UNTRUSTED"):
    """A table named like the ledger exists, but it is not the runner's."""


class LedgerChanged(IntegrityError, name="LEDGER_CHANGED"):
    """The ledger is not what it was when the plan was made."""


class ReferenceUnknown(IntegrityError, name="REFERENCE_UNKNOWN"):
    """The comment on a column names what is no column of a table elsewhere, or what is not safe to read."""


class OrphansFound(IntegrityError, name="ORPHANS_FOUND"):
    """Rows point at nothing in another database."""


class SchemaInvalid(IntegrityError, name="SCHEMA_INVALID"):
    """An index is invalid, or a constraint was never validated."""


class IndexInvalid(SchemaInvalid, name="INDEX_INVALID"):
    """After a file without a transaction an index is invalid; the file is not recorded."""


class Drift(IntegrityError, name="DRIFT"):
    """The schema of a database is not what its applied files make."""


class ProofFailed(IntegrityError, name="PROOF_FAILED"):
    """A file may not be run twice, or its rollback does not undo it."""
