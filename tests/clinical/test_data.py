"""The tables of codes and the rules as they are shipped: form, provenance, and that they agree."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from clinical import codes, ingredients
from clinical.code_systems import ICD_10_CM, LOINC, RXNORM, SNOMED_CT, is_possible
from clinical.thresholds import Evidence

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "clinical" / "data"
SETS = {path.stem: codes.read(path) for path in sorted((DATA / "codes").glob("*.csv"))}
MEDICINES = sorted((DATA / "medicines").glob("*.csv"))
TOPICS = {path.stem: tomllib.loads(path.read_text()) for path in sorted(DATA.glob("*/*.toml"))}
# Where codes were read, beside this project; see the heads of the tables.
READ = sorted(ROOT.parent.glob("*/clinical/codes/*.json"))
# Seen without a licence file.
UNLICENSED = ("cqframework/ecqm-content-r4", "dbmi-pitt/public-PDDI-analysis")


def head(path: Path) -> dict[str, str]:
    lines = [line[1:] for line in path.read_text().splitlines() if line.startswith("#")]
    return {key.strip(): value.strip() for key, _, value in (each.partition(":") for each in lines)}


def rows(path: Path) -> list[dict[str, str]]:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


@pytest.mark.parametrize("path", [*MEDICINES, *sorted((DATA / "codes").glob("*.csv"))])
def test_a_table_tells_where_it_is_from_and_names_nothing_without_a_licence(path: Path) -> None:
    told = head(path)
    assert all(told[key] for key in ("title", "source", "licence", "checked"))
    assert not any(each in row.get("source", "") for row in rows(path) for each in UNLICENSED)


def test_check_digits_are_checked_and_all_tables_pass() -> None:
    every = [row for table in SETS.values() for row in table]
    assert all(is_possible(row.system, row.code) for row in every)
    wrong = [
        (row.system, row.code[:-1] + str((int(row.code[-1]) + 1) % 10))
        for row in every
        if row.system in (LOINC, SNOMED_CT)
    ]
    assert len(wrong) > 300
    assert not any(is_possible(*each) for each in wrong)


def test_a_display_is_a_name_and_not_a_code() -> None:
    for name, table in SETS.items():
        for row in table:
            assert row.display == row.display.strip()
            assert re.search(r"[A-Za-z]{2}", row.display), (name, row.code)
            assert row.display != row.code


def test_a_code_is_called_nearly_the_same_in_all_tables() -> None:
    called = defaultdict(set)
    for table in SETS.values():
        for row in table:
            called[row.system, row.code].add(_words(row.display))
    unlike = {key for key, names in called.items() if not frozenset.intersection(*names)}
    assert unlike == set()


def test_no_table_lacks_a_reader() -> None:
    sources = " ".join(p.read_text() for p in sorted((ROOT / "clinical").rglob("*.py")))
    data = " ".join(p.read_text() for p in sorted(DATA.glob("*/*.toml")))
    named = set(re.findall(r"[\"']([a-z0-9-]+)[\"']", sources + data))
    assert set(SETS) - named == set()


@pytest.mark.parametrize("path", MEDICINES, ids=lambda path: path.stem)
def test_a_table_of_medicines_has_possible_codes_and_known_sources(path: Path) -> None:
    table = rows(path)
    coded = [row for row in table if row["code"]]
    assert all(is_possible(RXNORM, row["code"]) for row in coded)
    assert all(row["display"].strip() for row in coded)
    licensed = head(path)["licence"].replace(",", " ").replace(":", " ").split()
    named = {source for row in table for source in row.get("source", "").split()}
    assert named <= set(licensed)
    twice = [row for row, n in Counter(tuple(row.values()) for row in table).items() if n > 1]
    assert twice == []


def test_products_and_opioids_agree_on_what_is_in_a_product() -> None:
    products = {row["code"]: row["ingredients"] for row in rows(DATA / "medicines/products.csv")}
    opioids = defaultdict(set)
    for row in rows(DATA / "medicines/opioids.csv"):
        opioids[row["code"]].add(row["ingredient"])
    both = [code for code in opioids if code in products]
    assert len(both) > 300
    known = {row["name"] for row in rows(DATA / "medicines/ingredients.csv")}
    unlike = [
        code for code in both if not opioids[code] & known <= set(products[code].split(" + "))
    ]
    assert unlike == []


def test_each_class_that_a_rule_names_has_members() -> None:
    named = set()
    for topic in TOPICS.values():
        for rule in topic.get("rules", ()):
            for key in ("a", "b", "unless", "classes"):
                value = rule.get(key, ())
                named |= {value} if isinstance(value, str) else set(value)
    assert len(named) > 30
    assert all(ingredients.members(each) for each in named if isinstance(each, str))


@pytest.mark.parametrize("topic", TOPICS)
def test_what_a_rule_rests_on_can_be_looked_up(topic: str) -> None:
    table = TOPICS[topic]
    for name, evidence in table["evidence"].items():
        told = Evidence(**{key.replace("-", "_"): value for key, value in evidence.items()})
        assert told.title.strip(), name
        assert len(told.says.strip()) > 10, name
        if told.level in ("primary", "secondary"):
            # What defines a unit is told by its name and year.
            assert told.url or told.year, name
        for link in (told.url, *told.read):
            assert link is None or re.fullmatch(r"https?://[^\s]+", link), name
    text = json.dumps(table, default=str)
    # Sources are pages, not files of some machine.
    assert not re.search(r'(?<!\S)"?/\w+/', text)
    assert not re.search(r"\b(?:pv|os)-\d+", text)


# In its examples of hepatitis panels; the tables name no source with a licence for 13955-0.
READ_SINCE = {"laboratory"}


@pytest.mark.skipif(not READ, reason="the tables that were read are not beside this project")
def test_each_code_is_in_the_source_that_its_row_names() -> None:
    read: dict[tuple[str, str], set[str]] = defaultdict(set)
    for path in READ:
        for row in _coded(json.loads(path.read_text())):
            read[row["system"], row["code"]] |= set(map(_source, row.get("verified_in", ())))
    here = [
        (name, row, read[row.system, row.code])
        for name, table in SETS.items()
        for row in table
        if read.get((row.system, row.code))
    ]
    assert len(here) > 800
    wrong = [
        (name, row.code, row.source, sources)
        for name, row, sources in here
        if not {_source(each) for each in row.source.split()} & (sources | READ_SINCE)
    ]
    assert wrong == []


def _coded(value: Any) -> list[dict[str, Any]]:
    rows = value.get("codes", []) if isinstance(value, dict) else []
    return [row for row in rows if isinstance(row, dict) and row.get("system")]


def _source(text: str) -> str:
    """The last part of a repository's or a guide's name, in which the spellings agree."""
    return text.split()[0].rstrip(",;:").rpartition("/")[2].partition("-IIS")[0]


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]{4,}", text.lower())) or frozenset({text.lower()})


def test_the_systems_of_our_tables_are_those_of_problem_lists_and_laboratories() -> None:
    systems = Counter(row.system for table in SETS.values() for row in table)
    assert {LOINC, SNOMED_CT, ICD_10_CM, RXNORM} <= set(systems)
