"""Floor 6: read, fold, act, commit. The keeper owns the clock and carries plans out."""
