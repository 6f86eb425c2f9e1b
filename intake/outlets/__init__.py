"""Where things go: each outlet carries out one kind of effect, so that doing it again does it once."""
