"""Where complaints come from. Each source says what is new and how its source is marked done, side by side."""
