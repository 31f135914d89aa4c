"""One connection: messages, settings, errors, URLs.

Take from here ``connect`` (and what tells how a session stands or puts it back), ``query`` and ``ask`` for
the runner's own questions, whose answers no setting shapes, ``opening`` for a transaction of the runner's
own, ``run``, ``send`` and ``Answer`` for a message as it is, ``fill`` for literals in it, ``invalid_left``
for the indexes that a statement leaves behind, ``together`` to wait for several servers at once, ``heeding``
to end from outside what a thread waits for (``interruption`` by an event, ``silence`` in time), ``pause`` to
wait like that for nothing, ``parse`` for URLs. Every connection is in autocommit mode without server-side
preparation: the runner writes its own ``begin`` and ``commit``, and a message holds exactly what it says.
"""

from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.database.attention import heeding as heeding
    from runner.database.attention import interruption as interruption
    from runner.database.attention import pause as pause
    from runner.database.attention import silence as silence
    from runner.database.conninfo import compose as compose
    from runner.database.conninfo import environment as environment
    from runner.database.conninfo import sibling as sibling
    from runner.database.conninfo import with_settings as with_settings
    from runner.database.conninfo import without_password as without_password
    from runner.database.invalid import BEFORE as BEFORE
    from runner.database.invalid import LEFT as LEFT
    from runner.database.invalid import invalid_before as invalid_before
    from runner.database.invalid import invalid_earlier as invalid_earlier
    from runner.database.invalid import invalid_left as invalid_left
    from runner.database.message import LOCK_NOT_AVAILABLE as LOCK_NOT_AVAILABLE
    from runner.database.message import Answer as Answer
    from runner.database.message import Connection as Connection
    from runner.database.message import ConnectionBroken as ConnectionBroken
    from runner.database.message import Error as Error
    from runner.database.message import failure as failure
    from runner.database.message import fill as fill
    from runner.database.message import pieces as pieces
    from runner.database.message import rows as rows
    from runner.database.message import run as run
    from runner.database.message import send as send
    from runner.database.message import try_run as try_run
    from runner.database.notices import MARKS as MARKS
    from runner.database.notices import Heard as Heard
    from runner.database.notices import Notices as Notices
    from runner.database.notices import hearing as hearing
    from runner.database.parallel import together as together
    from runner.database.question import ask as ask
    from runner.database.question import opening as opening
    from runner.database.question import query as query
    from runner.database.question import query_quoted as query_quoted
    from runner.database.question import refused as refused
    from runner.database.resource import packaged as packaged
    from runner.database.server import create_empty as create_empty
    from runner.database.server import create_missing as create_missing
    from runner.database.server import drop as drop
    from runner.database.session import TRANSACTION_TIMEOUT as TRANSACTION_TIMEOUT
    from runner.database.session import Access as Access
    from runner.database.session import check_database as check_database
    from runner.database.session import connect as connect
    from runner.database.session import counts_letters as counts_letters
    from runner.database.session import in_transaction as in_transaction
    from runner.database.session import is_lost as is_lost
    from runner.database.session import put_back as put_back
    from runner.database.session import roll_back as roll_back
    from runner.database.session import speak_plainly as speak_plainly
    from runner.database.session import start_over as start_over
    from runner.database.url import EMBEDDED as EMBEDDED
    from runner.database.url import is_utf8 as is_utf8
    from runner.database.url import parse as parse
    from runner.database.url import surroundings as surroundings
else:
    __getattr__ = lazily(
        __name__,
        attention="heeding interruption pause silence",
        conninfo="compose environment sibling with_settings without_password",
        invalid="BEFORE LEFT invalid_before invalid_earlier invalid_left",
        message="Answer Connection ConnectionBroken Error LOCK_NOT_AVAILABLE failure fill pieces rows run "
        "send try_run",
        notices="Heard MARKS Notices hearing",
        parallel="together",
        question="ask opening query query_quoted refused",
        resource="packaged",
        server="create_empty create_missing drop",
        session="TRANSACTION_TIMEOUT Access check_database connect counts_letters in_transaction is_lost"
        " put_back roll_back speak_plainly start_over",
        url="EMBEDDED is_utf8 parse surroundings",
    )
