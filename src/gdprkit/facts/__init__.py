"""Floor 1: what can be recorded. Frozen values; constructors check shape, policies check law."""
