"""What was said and what became of it: replay entries, calls, cards, feedback, drafts; launches.

SQLAlchemy Core on SQLite or PostgreSQL. No clinical text is stored in the clear: rules, codes and
keyed hashes of ours, and what must be read again (drafts, comments) only encrypted.
"""

from store.errors import StoreDown, StoreError

__all__ = ["StoreDown", "StoreError"]
