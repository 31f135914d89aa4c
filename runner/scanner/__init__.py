"""Split SQL text into statements with positions, and refuse what a migration may not contain.

The lexical rules are those of PostgreSQL (manual, section 4.1) with ``standard_conforming_strings``
on. Every position is a character offset into the text. Nothing here talks to a server.
"""

from runner.scanner.content import check
from runner.scanner.lexer import Refusal, Script, Statement, scan

__all__ = ["Refusal", "Script", "Statement", "check", "scan"]
