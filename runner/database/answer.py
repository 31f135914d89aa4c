"""Read what libpq says of a connection that was not made: which try counts, and what the server means."""

from __future__ import annotations

import re

from runner.database import denial
from runner.database.denial import Told

TRY, _FAILED = "connection to server ", " failed: "
_SQLSTATE = re.compile(r":  ([0-9A-Z]{5}): ")
_SOURCE = re.compile(r", (\w+)\.c:\d+$", re.M)  # of the server, not translated
_LOGIN = re.compile(r'FATAL:  (\w+)(?: bearer)? authentication failed for user "')
# libpq's own words, in English: Python leaves a process in the locale C. Not what says that the wire was cut.
_TLS = re.compile(
    r"certificate|private key|does not support SSL|SSL error: (?!.*eof)|channel binding|"
    r"authentication method|GSSAPI encryption|requirepeer specifies"
)
_NAME = re.compile(r'''host:? '[^'\n]*'|"[^"\n]*"''')  # of a host, a folder, a file: it may be any word
NO_TICKET = re.compile(
    r"(?:GSSAPI|SSPI) (?:continuation|name import) error|could not (?:initiate GSSAPI|acquire SSPI)"
)
_OF_SERVER = "Check the server's certificate, and sslmode, sslrootcert and their like in the URL."
_REMEDIES = {  # an alert is the server's, about what it was shown
    re.compile(
        r"private key|(?:read|open) certificate file|alert (?:\w+ )?certificate|"
        r"alert (?:unknown ca|access denied|decrypt error)"
    ): "Check the client's certificate and key: sslcert, sslkey and sslpassword in the URL.",
    re.compile(
        "channel binding|authentication method requirement"
    ): "Check channel_binding and require_auth in the URL: the server logs in another way than they demand.",
    re.compile(
        "requirepeer"
    ): "Check requirepeer in the URL: the server runs as another user than it demands.",
    re.compile("GSSAPI encryption"): "Get a ticket (kinit), or take gssencmode out of the URL.",
}


def unsafe(text: str) -> str | None:
    """Return what to do where libpq finds a connection less safe than it must be, else nothing."""
    text = _NAME.sub("", text)
    if not _TLS.search(text):
        return None
    return next((remedy for words, remedy in _REMEDIES.items() if words.search(text)), _OF_SERVER)


def verbose(text: str) -> Told | None:
    """Return what the server answers, told with its SQLSTATE; nothing where it is libpq that speaks."""
    text = _without_second(text)
    codes, sources = _SQLSTATE.findall(text), _SOURCE.findall(text)
    return Told(codes[-1], sources[-1] if sources else "", text) if codes else None


def of_login(text: str) -> Told | None:
    """Return what a server means that says, in English, that a login has failed."""
    last = _without_second(text).rpartition(TRY)[2]
    if found := _LOGIN.search(last):
        sqlstate = denial.WRONG_PASSWORD if found[1] == "password" else denial.REJECTED
        return Told(sqlstate, "auth", last[found.start() :])
    return None


def _without_second(text: str) -> str:
    """Return what counts of a refusal: where libpq tries a server with TLS and without, often the first try.

    A pg_hba.conf that admits one of them says no to the other, whatever was wrong with the first.
    """
    before, _, last = text.rpartition(TRY)
    first = before.rpartition(TRY + last.partition(_FAILED)[0] + _FAILED)[2]
    is_of_server = any(words.search(first) for words in (_SQLSTATE, _LOGIN))
    is_told = first != before and (is_of_server or unsafe(first))
    return first if is_told and denial.HBA in last else text
