"""Floor 1: what a controller declares. Look-ups only; whether it is lawful is judged higher up."""
