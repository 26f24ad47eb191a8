"""Floor 3: may we, by when, what falls due. Pure functions from a case to reasons.

No clock, database or key here. Unknown is never yes: a missing fact gives NEEDS or FORBIDDEN.
"""
