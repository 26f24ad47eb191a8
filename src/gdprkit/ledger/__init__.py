"""Floor 5: the ledger: facts as bytes, bound into chains that show tampering."""
