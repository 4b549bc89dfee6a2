"""How records are found at once: by whose they are, and there by what tokens and references say."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from operator import attrgetter, itemgetter
from typing import Any

import msgspec

from sandbox.fhir.dates import Span
from sandbox.fhir.keys import Value, keys, values
from sandbox.fhir.search import Criterion, Order
from sandbox.http.answer import Resource

_REMEMBERED = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_encode = msgspec.json.Encoder().encode


class Kept:
    """One version of a resource, with what is derived from it once: bytes, keys and dates.

    `number` puts the resources of a store in the order of their first version.
    """

    __slots__ = ("_body", "_first", "_values", "keys", "number", "place", "resource")

    def __init__(self, resource: Resource, number: int = 0) -> None:
        self.resource = resource
        self.number = number
        self.place = f"{resource['resourceType']}/{resource['id']}"
        self.keys = keys(resource)
        self._body: bytes | None = None
        self._values: dict[str, tuple[Value, ...]] = {}
        self._first: dict[str, float | str | None] = {}

    @property
    def body(self) -> bytes:
        """The resource in JSON."""
        if self._body is None:
            self._body = _encode(self.resource)
        return self._body

    @property
    def entry(self) -> bytes:
        """The end of the fullUrl of an entry, and the resource."""
        return b'%b","resource":%b' % (_encode(self.place)[1:-1], self.body)

    @property
    def version(self) -> str:
        """Its version id."""
        return str(self.resource["meta"]["versionId"])

    @property
    def patients(self) -> set[str]:
        """The ids of the patients whose record it is."""
        return {k.rpartition("/")[2] for k in self.keys if k.startswith("patient=Patient/")}

    def values(self, name: str) -> tuple[Value, ...]:
        """The dates or texts of a search parameter."""
        if name not in self._values:
            self._values[name] = values(self.resource, name)
        return self._values[name]

    def first(self, name: str) -> Any:
        """What it is sorted by: where its first date begins, or its first text; None without."""
        if name not in self._first:
            self._first[name] = self._sorted_by(name)
        return self._first[name]

    def _sorted_by(self, name: str) -> float | str | None:
        if name == "_id":
            return str(self.resource["id"])
        found = next(iter(self.values(name)), None)
        # As a number: dates of different time zones are slow to compare.
        return (found.start - _EPOCH).total_seconds() if isinstance(found, Span) else found

    def satisfies(self, criterion: Criterion) -> bool:
        """Whether a search with this parameter alone would find it."""
        if not criterion.keys.isdisjoint(self.keys):
            return True
        tests = criterion.tests
        return bool(tests) and any(t(v) for v in self.values(criterion.name) for t in tests)


class Shelf:
    """The records of one type and one patient, by key; ids are no keys here."""

    def __init__(self) -> None:
        self._members: dict[str, Kept] = {}
        self._by_key: dict[str, dict[str, Kept]] = {}
        # A chart is opened again and again, and a long answer read page by page.
        self._found: dict[tuple[tuple[Criterion, ...], Order], Sequence[Kept]] = {}

    def put(self, kept: Kept) -> None:
        """Adds a record, or the next version of one."""
        self.take(kept.place)
        self._members[kept.place] = kept
        for key in _shelved(kept):
            self._by_key.setdefault(key, {})[kept.place] = kept

    def take(self, place: str) -> None:
        """Removes a record, if it is here."""
        self._found.clear()
        if known := self._members.pop(place, None):
            for key in _shelved(known):
                del self._by_key[key][place]

    def found(self, criteria: Sequence[Criterion], order: Order) -> Sequence[Kept]:
        """What satisfies all criteria, in this order."""
        asked = tuple(criteria), order
        if asked not in self._found:
            if len(self._found) == _REMEMBERED:
                self._found.clear()
            self._found[asked] = ordered(self._matching(criteria), order)
        return self._found[asked]

    def _matching(self, criteria: Sequence[Criterion]) -> list[Kept]:
        keyed = [self._having(c.keys) for c in criteria if not c.tests]
        first, *others = sorted(keyed, key=len) if keyed else [self._members]
        found: Iterable[Kept] = first.values()
        if others:
            found = (k for place, k in first.items() if all(place in other for other in others))
        return chosen(found, [c for c in criteria if c.tests])

    def _having(self, wanted: frozenset[str]) -> dict[str, Kept]:
        hits = [self._by_key[key] for key in wanted if key in self._by_key]
        if len(hits) == 1:
            return hits[0]
        either: dict[str, Kept] = {}
        for hit in hits:
            either.update(hit)
        return either


def _shelved(kept: Kept) -> Iterator[str]:
    # By its id it is found without a shelf.
    return (key for key in kept.keys if not key.startswith("_id="))


def chosen(among: Iterable[Kept], criteria: Sequence[Criterion]) -> list[Kept]:
    """Those that satisfy all criteria."""
    if not criteria:
        return list(among)
    return [kept for kept in among if all(kept.satisfies(each) for each in criteria)]


def ordered(found: list[Kept], order: Order) -> list[Kept]:
    """In this order, else in that of the first versions; what has no such value comes last."""
    found.sort(key=attrgetter("number"))
    for name, descending in reversed(order):
        pairs = [(kept.first(name), kept) for kept in found]
        having = [pair for pair in pairs if pair[0] is not None]
        having.sort(key=itemgetter(0), reverse=descending)
        found = [kept for _, kept in having]
        found += [kept for value, kept in pairs if value is None]
    return found
