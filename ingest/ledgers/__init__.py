"""Contract events out of whole ledgers (LedgerCloseMeta), as getLedgers and data lakes hand them out."""
