"""The local platform: the families' real functions behind a gateway on this machine, with an embedded AWS."""
