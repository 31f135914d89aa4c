"""One connection: messages, settings, errors, URLs.

Take from here ``connect`` (and what tells how a session stands or puts it back), ``query`` for one question,
``run``, ``send`` and ``tally`` for a message as it is, ``fill`` for literals in it, ``parse`` for URLs. Every
connection is in autocommit mode without server-side preparation: the runner writes its own ``begin`` and
``commit``, and a message holds exactly what it says.
"""

from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.database.message import Connection as Connection
    from runner.database.message import ConnectionBroken as ConnectionBroken
    from runner.database.message import Error as Error
    from runner.database.message import failure as failure
    from runner.database.message import fill as fill
    from runner.database.message import pieces as pieces
    from runner.database.message import query as query
    from runner.database.message import query_quoted as query_quoted
    from runner.database.message import rows as rows
    from runner.database.message import run as run
    from runner.database.message import send as send
    from runner.database.message import tally as tally
    from runner.database.message import try_run as try_run
    from runner.database.notices import Heard as Heard
    from runner.database.notices import Notices as Notices
    from runner.database.notices import hearing as hearing
    from runner.database.resource import packaged as packaged
    from runner.database.server import create_empty as create_empty
    from runner.database.server import create_missing as create_missing
    from runner.database.server import drop as drop
    from runner.database.server import may_create as may_create
    from runner.database.session import Access as Access
    from runner.database.session import connect as connect
    from runner.database.session import in_transaction as in_transaction
    from runner.database.session import is_lost as is_lost
    from runner.database.session import put_back as put_back
    from runner.database.session import roll_back as roll_back
    from runner.database.session import speak_utf8 as speak_utf8
    from runner.database.session import start_over as start_over
    from runner.database.url import compose as compose
    from runner.database.url import environment as environment
    from runner.database.url import parse as parse
    from runner.database.url import sibling as sibling
else:
    __getattr__ = lazily(
        __name__,
        message="Connection ConnectionBroken Error failure fill pieces query query_quoted rows run send tally"
        " try_run",
        notices="Heard Notices hearing",
        resource="packaged",
        server="create_empty create_missing drop may_create",
        session="Access connect in_transaction is_lost put_back roll_back speak_utf8 start_over",
        url="compose environment parse sibling",
    )
