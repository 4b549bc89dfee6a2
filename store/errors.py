"""What can go wrong in the store.

    StoreError          a statement was refused: a fault of ours
      StoreDown         the database cannot be reached, is locked, full or too slow

Neither quotes the driver: PostgreSQL puts whole rows into the text of an error.
"""


class StoreError(Exception):
    """The database refused what we asked; the text names the kind of refusal only."""


class StoreDown(StoreError):
    """The database cannot be used now. The caller decides: 503, or go on without it."""
