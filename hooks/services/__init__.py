"""One file a clinical service; every file here is found and offered."""
