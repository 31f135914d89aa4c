"""One connection: messages, settings, errors, URLs.

Every connection is in autocommit mode without server-side preparation: the runner writes its own ``begin``
and ``commit``, and a message holds exactly what it says. No setting shapes the answers to the runner's own
questions: ``query`` and ``ask``.
"""

# mypy: implicit-reexport
import sys
from typing import TYPE_CHECKING

from runner import lazily

# So nobody else in this process can have registered anything with psycopg yet.
IS_FIRST = "psycopg" not in sys.modules

if TYPE_CHECKING:
    from runner.database.attention import heeding, interruption, pause
    from runner.database.conninfo import (
        compose,
        demands,
        environment,
        sibling,
        with_settings,
        without_password,
    )
    from runner.database.invalid import (
        BEFORE,
        KEEP_WHOLE,
        LEFT_KEPT,
        Invalid,
        invalid_before,
        invalid_earlier,
        invalid_left,
    )
    from runner.database.message import (
        LOCK_NOT_AVAILABLE,
        Answer,
        Connection,
        ConnectionBroken,
        Error,
        failure,
        fill,
        pieces,
        run,
        send,
        tried,
        try_run,
    )
    from runner.database.notices import MARKS, Heard, Notices, counts_bytes, hearing
    from runner.database.parallel import together
    from runner.database.patience import silence
    from runner.database.question import AS_LOGIN, ask, opening, query, query_quoted, refused, rows
    from runner.database.resource import packaged
    from runner.database.server import create_empty, create_missing, drop, execute, take_turn
    from runner.database.session import (
        TRANSACTION_TIMEOUT,
        Access,
        check_database,
        connect,
        counts_letters,
        in_transaction,
        is_lost,
        is_standby,
        put_back,
        roll_back,
        speak_plainly,
        start_over,
    )
    from runner.database.starting import is_trouble, reaching, unstarted
    from runner.database.url import EMBEDDED, is_utf8, parse, surroundings
else:
    __getattr__ = lazily(
        __name__,
        attention="heeding interruption pause",
        conninfo="compose demands environment sibling with_settings without_password",
        invalid="BEFORE KEEP_WHOLE LEFT_KEPT Invalid invalid_before invalid_earlier invalid_left",
        message="Answer Connection ConnectionBroken Error LOCK_NOT_AVAILABLE failure fill pieces run "
        "send tried try_run",
        notices="Heard MARKS Notices counts_bytes hearing",
        parallel="together",
        patience="silence",
        question="AS_LOGIN ask opening query query_quoted refused rows",
        resource="packaged",
        server="create_empty create_missing drop execute take_turn",
        session="TRANSACTION_TIMEOUT Access check_database connect counts_letters in_transaction is_lost"
        " is_standby put_back roll_back speak_plainly start_over",
        starting="is_trouble reaching unstarted",
        url="EMBEDDED is_utf8 parse surroundings",
    )
