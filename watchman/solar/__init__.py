"""Where the sun stands and what the roof should give."""
