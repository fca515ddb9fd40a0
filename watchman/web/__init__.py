"""Page and API of the daemon. Everything it shows or does comes in as callables from the composition root."""
