"""Floor 2: pure folds. Each module turns the facts of its subject into a small frozen state."""
