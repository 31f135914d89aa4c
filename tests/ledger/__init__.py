"""What the ledger says, and who may say it."""
