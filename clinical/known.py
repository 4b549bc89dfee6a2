"""Every finding of this project, with the evidence that it rests on.

Most stand in a table of rules, some in the table of screenings; the others are listed in
`data/findings.toml`. A site names findings by these ids when it switches or grades them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from clinical.thresholds import Evidence

_DATA = Path(__file__).with_name("data")


def _read(data: Path) -> dict[str, tuple[Evidence, ...]]:
    """Raises ValueError with a file's name when a finding rests on what is not cited."""
    found: dict[str, tuple[Evidence, ...]] = {}
    for path in sorted(data.glob("*/*.toml")):
        topic = tomllib.loads(path.read_text(encoding="utf-8"))
        for id_, rests_on in _named(topic):
            found[id_] = _cited(topic, rests_on, path)
    listed = data / "findings.toml"
    topics = tomllib.loads(listed.read_text(encoding="utf-8"))
    topics.pop("words", None)
    for name, findings in topics.items():
        path = data / "thresholds" / f"{name}.toml"
        topic = tomllib.loads(path.read_text(encoding="utf-8"))
        for id_, finding in findings.items():
            if id_ in found:
                raise ValueError(f"{listed.name}: {id_} has a row of its own")
            found[id_] = _cited(topic, finding["rests-on"], path)
    return found


def _named(topic: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for rule in topic.get("rules", ()):
        yield rule["id"], rule["rests-on"]
    for screening in topic.get("screenings", ()):
        yield screening["rule"], [screening["source"]]


def _cited(topic: Mapping[str, Any], names: list[str], path: Path) -> tuple[Evidence, ...]:
    missing = set(names) - set(topic["evidence"])
    if missing or not names:
        raise ValueError(f"{path.name}: {missing or 'nothing'} is not cited")
    documents = (topic["evidence"][name] for name in names)
    return tuple(
        Evidence(**{key.replace("-", "_"): value for key, value in each.items()})
        for each in documents
    )


FINDINGS: Mapping[str, tuple[Evidence, ...]] = _read(_DATA)


def is_not_re_read(rule: str) -> bool:
    """Whether a finding of this project rests on documents alone that nobody has read again."""
    levels = {each.level for each in FINDINGS.get(rule, ())}
    return "not-re-read" in levels and not levels & {"primary", "secondary"}
