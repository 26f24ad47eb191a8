"""Floor 0: the words everything else is said in. Nothing here decides, stores or reads anything."""
