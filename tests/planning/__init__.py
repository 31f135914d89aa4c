"""Files against ledger, and what must be known before a change."""
