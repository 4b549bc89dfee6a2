"""The development EHR's own people: dates that do not age, valid records, and what is said of them.

`sandbox/patients/README.md` promises, row by row, what each story makes happen.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from clinical import codes
from hooks import registry
from sandbox import stories
from sandbox.fhir.bundles import shipped_bundles
from sandbox.fhir.dates import span
from sandbox.fhir.server import FhirServer
from tests.demo.client import Client
from tests.demo.server import ehr_of, serving

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "sandbox" / "patients"
FILES = sorted(path.stem for path in FOLDER.glob("*.json"))
DAYS = (date(2026, 11, 24), date(2029, 2, 28), date(2032, 9, 1))
HEALTHY = {"healthy-young-adult", "healthy-older-adult"}

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM = "http://unitsofmeasure.org"
HL7 = "http://terminology.hl7.org/CodeSystem/"

# What the services say so far; the other rows of the index wait for theirs.
SPOKEN = re.compile(
    r"(dm|gap|imm|care|ckd|bp|result|appt|ddi|allergy|dup|opioid|preg|renal)\."
    r"|monitor\.metformin"
)


# The services that speak as a chart opens, and the findings of theirs that share a card.
OPENING = ("care-gaps", "results-attention")
_IN_A_LIST = re.compile(r"gap\.|imm\.|dm\.a1c-overdue|dm\.uacr-overdue")


# Relative dates.

TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("@-400d", "2025-10-20"),
        ("@-14m", "2025-09-24"),
        ("@-62y", "1964-11-24"),
        ("@-62y-47d", "1964-10-08"),
        ("@+6d", "2026-11-30"),
        ("@+3m", "2027-02-24"),
        ("@-0d", "2026-11-24"),
        ("@-3d 08:30", "2026-11-21T08:30:00Z"),
        ("@-14m YYYY-MM", "2025-09"),
        ("@-9y YYYY", "2017"),
        ("@--09-01", "2026-09-01"),
        ("@--11-24", "2026-11-24"),
        ("@--11-25", "2025-11-25"),
        ("@--09-01-1y", "2025-09-01"),
        ("@--09-01+2d 07:05", "2026-09-03T07:05:00Z"),
    ],
)
def test_a_relative_date_is_told_as_of_the_day(written: str, told: str) -> None:
    assert stories.told(written, TODAY) == told


@pytest.mark.parametrize(
    ("today", "written", "told"),
    [
        (date(2028, 2, 29), "@-1y", "2027-02-28"),
        (date(2028, 2, 29), "@-4y", "2024-02-29"),
        (date(2028, 2, 29), "@-12m", "2027-02-28"),
        (date(2027, 3, 31), "@-1m", "2027-02-28"),
        (date(2027, 1, 31), "@-1m", "2026-12-31"),
        (date(2027, 3, 31), "@-1m-1d", "2027-02-27"),
        (date(2027, 1, 1), "@-1d", "2026-12-31"),
    ],
)
def test_it_ends_on_the_last_day_of_a_shorter_month(today: date, written: str, told: str) -> None:
    assert stories.told(written, today) == told


@pytest.mark.parametrize(
    "wrong",
    ["@", "@today", "@3d", "@-3", "@-3w", "@-3d 8:30", "@-3d 24:00", "@-3d MM", "@-3d ", "@ -3d"],
)
def test_what_only_looks_like_one_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a relative date"):
        stories.told(wrong, TODAY)


def test_a_wrong_date_is_told_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "story.json"
    path.write_text('{"birthDate": "@-62"}')
    with pytest.raises(ValueError, match=r"story\.json: '@-62' is not a relative date"):
        stories.read(path, TODAY)


def test_all_else_stays_as_it_is() -> None:
    record = {"a": ["2026-01-02", "someone@example.org", 7, None, True], "@-1d": {"b": "-3d"}}
    assert stories.told(record, TODAY) == record


def test_the_day_is_the_current_one_in_utc() -> None:
    before = datetime.now(UTC).date()
    shipped = shipped_bundles()
    after = datetime.now(UTC).date()
    assert shipped in (shipped_bundles(before), shipped_bundles(after))


# The records.

_DATE = re.compile(r"(19|20)\d\d(-\d\d){0,2}(T.*)?")


@cache
def _bundle(name: str, today: date = DAYS[0]) -> dict[str, Any]:
    bundle: dict[str, Any] = stories.read(FOLDER / f"{name}.json", today)
    return bundle


def _resources(name: str, today: date = DAYS[0]) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in _bundle(name, today)["entry"]]


def _walk(element: Any) -> Iterator[Any]:
    yield element
    children = element.values() if isinstance(element, dict) else element
    if isinstance(element, dict | list):
        for child in children:
            yield from _walk(child)


def _dicts(name: str, with_member: str) -> list[dict[str, Any]]:
    all_ = _walk(_resources(name))
    return [each for each in all_ if isinstance(each, dict) and with_member in each]


@pytest.mark.parametrize("name", FILES)
def test_every_resource_is_valid(name: str) -> None:
    for today in DAYS:
        for resource in _resources(name, today):
            kind = resource["resourceType"]
            model = getattr(importlib.import_module(f"fhirclient.models.{kind.lower()}"), kind)
            assert model(resource, strict=True).as_json() == resource


@pytest.mark.parametrize("name", FILES)
def test_a_file_begins_with_its_person_and_refers_to_nothing_outside(name: str) -> None:
    first, *others = _resources(name)
    assert first["resourceType"] == "Patient"
    assert first["active"]
    ids = [f"{each['resourceType']}/{each['id']}" for each in (first, *others)]
    assert len(ids) == len(set(ids))
    assert all(each["id"].startswith(first["id"].removesuffix("-old")) for each in others)
    assert [entry["request"]["url"] for entry in _bundle(name)["entry"]] == ids
    for resource in (first, *others):
        contained = [f"#{each['id']}" for each in resource.get("contained", ())]
        for each in _walk(resource):
            if isinstance(each, dict) and "reference" in each:
                assert each["reference"] in ids + contained


def test_no_two_files_share_an_id() -> None:
    ids = [
        (each["resourceType"], each["id"]) for bundle in shipped_bundles() for each in _in(bundle)
    ]
    assert len(ids) == len(set(ids))


def _in(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle["entry"]]


@pytest.mark.parametrize("name", FILES)
def test_no_date_is_absolute_and_none_lies_ahead_but_an_appointment(name: str) -> None:
    written = json.loads((FOLDER / f"{name}.json").read_text())
    told = [text for text in _walk(written) if isinstance(text, str)]
    assert not [text for text in told if _DATE.fullmatch(text)]
    # Every day of a leap year's turn, and each month of some years.
    first = date(2027, 12, 25)
    days = [first + timedelta(days=n) for n in (*range(0, 75), *range(75, 1800, 30))]
    for today in days:
        end = datetime(today.year, today.month, today.day, tzinfo=UTC) + timedelta(days=1)
        for resource in stories.told([entry["resource"] for entry in written["entry"]], today):
            if resource["resourceType"] == "Appointment":
                continue
            for text in _walk(resource):
                if isinstance(text, str) and _DATE.fullmatch(text):
                    assert span(text).start < end


@pytest.mark.parametrize("name", FILES)
def test_nobody_can_be_reached_and_nobody_is_shown(name: str) -> None:
    person = _resources(name)[0]
    assert "photo" not in person
    for contact in person["telecom"]:
        assert re.fullmatch(r"555-01\d\d|[a-z.-]+@example\.org", contact["value"])
    for identifier in person["identifier"]:
        assert identifier["system"].startswith("https://chartside.example/")
    assert person["meta"]["tag"][0]["code"] == "HTEST"


# Codes and units.

_ADMINISTRATIVE = {
    "allergyintolerance-clinical": {"active", "inactive"},
    "allergyintolerance-verification": {"confirmed", "refuted", "entered-in-error"},
    "condition-category": {"problem-list-item", "encounter-diagnosis"},
    "condition-clinical": {"active", "inactive"},
    "condition-ver-status": {"confirmed", "refuted", "entered-in-error"},
    "observation-category": {"laboratory", "vital-signs", "social-history", "procedure"},
    "v2-0074": {("MB", "Microbiology"), ("RAD", "Radiology")},
    "v3-ActCode": {("AMB", "ambulatory")},
    "v3-ActReason": {("HTEST", "test health data")},
    "v3-ObservationInterpretation": {
        ("H", "High"),
        ("HH", "Critical high"),
        ("L", "Low"),
        ("LL", "Critical low"),
        ("NEG", "Negative"),
        ("R", "Resistant"),
        ("S", "Susceptible"),
    },
}
_UNITS = {
    *("%", "mmol/mol", "mg/dL", "umol/L", "mL/min/{1.73_m2}", "mmol/L", "mg/g", "m[IU]/L"),
    *("ng/mL", "{INR}", "mm[Hg]", "ms", "kg", "kg/m2", "mg/L", "{CFU}/mL", "mL", "{tbl}"),
}
_OWN = {
    (row.system, row.code): row.display
    for path in sorted((ROOT / "clinical" / "data" / "codes").glob("*.csv"))
    for row in codes.read(path)
}
_REFERENCE = ROOT.parent / "shared" / "clinical" / "codes"


def _codings(name: str) -> list[tuple[str, str, str | None]]:
    found = [
        (each["system"], each["code"], each.get("display"))
        for each in _dicts(name, "code")
        if isinstance(each["code"], str) and each.get("system") != UCUM
    ]
    assert found
    return found


@pytest.mark.parametrize("name", FILES)
def test_administrative_codes_are_those_of_hl7(name: str) -> None:
    for system, code, display in _codings(name):
        if system.startswith(HL7):
            known = _ADMINISTRATIVE[system.removeprefix(HL7)]
            assert (code if display is None else (code, display)) in known


@pytest.mark.parametrize("name", FILES)
def test_codes_of_our_tables_have_the_name_that_stands_there(name: str) -> None:
    for system, code, display in _codings(name):
        assert _OWN.get((system, code), display) == display


@pytest.mark.skipif(
    not _REFERENCE.is_dir(), reason="the reference tables are not beside this repository"
)
@pytest.mark.parametrize("name", FILES)
def test_all_other_codes_stand_in_the_reference_tables(name: str) -> None:
    for system, code, display in _codings(name):
        if not system.startswith(HL7) and (system, code) not in _OWN:
            assert (system, code, display) in _reference()


@cache
def _reference() -> frozenset[tuple[str, str, str]]:
    rows = [
        (each.get("system", RXNORM), each["code"], each["display"])
        for path in _REFERENCE.glob("*.json")
        for each in _walk(json.loads(path.read_text()))
        if isinstance(each, dict) and {"code", "display"} <= set(each)
    ]
    assert rows
    return frozenset(rows)


@pytest.mark.parametrize("name", FILES)
def test_units_are_of_ucum(name: str) -> None:
    for quantity in _dicts(name, "unit"):
        assert quantity["system"] == UCUM
        assert quantity["code"] in _UNITS


# What the index promises.


@dataclass(frozen=True)
class Row:
    hook: str
    order: str
    says: str
    rule: str
    indicator: str

    @property
    def code(self) -> str:
        (code,) = re.findall(r"\(([\d-]+)\)", self.order)
        return str(code)


@dataclass(frozen=True)
class Story:
    person: str
    name: str
    age: int
    rows: list[Row]


def _index() -> dict[str, Story]:
    found = {}
    for section in (FOLDER / "README.md").read_text().split("\n## ")[1:]:
        file, _, rest = section.partition("\n")
        person = re.search(r"^`(\S+)`: (.+), (\w+), (\d+)\. ", rest, re.MULTILINE)
        assert person, file
        rows = [
            Row(*(cell.strip(" `") for cell in line.strip("|").split("|")))
            for line in rest.splitlines()
            if re.match(r"\| (patient-view|order-sign|app) ", line)
        ]
        found[file] = Story(person[1], person[2], int(person[4]), rows)
    return found


INDEX = _index()


def test_the_index_tells_of_every_file_and_no_other() -> None:
    assert sorted(INDEX) == FILES
    assert len(FILES) >= 12


@pytest.mark.parametrize("name", FILES)
def test_the_index_tells_who_it_is_on_any_day(name: str) -> None:
    story = INDEX[name]
    for today in DAYS:
        person = _resources(name, today)[0]
        born = date.fromisoformat(person["birthDate"])
        had_birthday = (today.month, today.day) >= (born.month, born.day)
        assert today.year - born.year - (not had_birthday) == story.age
        official = person["name"][0]
        assert " ".join([*official["given"], official["family"]]) == story.name
        assert person["id"] == story.person


@pytest.mark.parametrize("name", FILES)
def test_a_row_is_a_finding_with_its_indicator_or_nothing(name: str) -> None:
    rows = INDEX[name].rows
    assert any(row.hook == "patient-view" for row in rows)
    for row in rows:
        if row.rule:
            assert row.indicator in ("info", "warning", "critical")
        else:
            assert row.says.startswith("nothing")
            assert not row.indicator
        # An order stands once for each finding, and passes or not.
        same = [each for each in rows if (each.hook, each.order) == (row.hook, row.order)]
        assert len({bool(each.rule) for each in same}) == 1


@pytest.fixture(scope="module", params=DAYS, ids=str)
def ehr(request: pytest.FixtureRequest) -> Iterator[tuple[FhirServer, Client]]:
    """The shipped services and the development EHR, started on one day."""
    today: date = request.param
    noon = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)
    with (
        FhirServer(shipped_bundles(today)) as server,
        serving(
            registry.find(),
            ehr_of(server, open_fhir=True),
            lambda zone: noon.astimezone(zone),
            prefetch_deadline=10.0,
        ) as client,
    ):
        yield server, client


@pytest.mark.parametrize("name", FILES)
def test_opening_the_chart_says_what_the_index_promises(
    ehr: tuple[FhirServer, Client], name: str
) -> None:
    server, client = ehr
    rows = [row for row in INDEX[name].rows if row.hook == "patient-view"]
    body = _body("patient-view", server, name)
    cards = [card for id in OPENING for card in client.call(id, body).cards]
    _judge(cards, _in_one_card(rows))


def _in_one_card(rows: list[Row]) -> list[Row]:
    """Several care gaps are told in one card, which has no id of a single one."""
    gaps = [row for row in rows if _IN_A_LIST.match(row.rule) and row.indicator == "info"]
    if len(gaps) < 2:
        return rows
    says = "; ".join(row.says for row in gaps)
    one = Row("patient-view", "", f"{len(gaps)} care gaps: {says}", "care.gaps", "info")
    return [one, *(row for row in rows if row not in gaps)]


@pytest.mark.parametrize("name", FILES)
def test_signing_the_orders_says_what_the_index_promises(
    ehr: tuple[FhirServer, Client], name: str
) -> None:
    server, client = ehr
    rows = [row for row in INDEX[name].rows if row.hook == "order-sign"]
    for order in dict.fromkeys(row.order for row in rows):
        body = _body("order-sign", server, name)
        body["context"]["draftOrders"] = {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"resource": _draft(server, name, order)}],
        }
        cards = client.call("medication-safety", body).cards
        _judge(cards, [row for row in rows if row.order == order])


@pytest.mark.parametrize("name", sorted(HEALTHY))
def test_of_the_healthy_nothing_is_said_at_all(name: str) -> None:
    assert {row.rule for row in INDEX[name].rows} == {""}


def _judge(cards: list[dict[str, Any]], rows: list[Row]) -> None:
    said = [(card["source"]["topic"]["display"], card["indicator"]) for card in cards]
    promised = [row for row in rows if SPOKEN.match(row.rule)]
    if not any(row.rule for row in rows):
        assert said == []
    assert sorted(s for s in said if SPOKEN.match(s[0])) == sorted(
        (row.rule, row.indicator) for row in promised
    )
    for row in promised:
        (card,) = (card for card in cards if card["source"]["topic"]["display"] == row.rule)
        text = card["summary"] + card["detail"]
        for number in re.findall(r"(?<!\w)\d+(?:\.\d+)?(?!\w)", row.says):
            assert number in text


# What the words behind the code of an order mean.
_ORDERED: dict[str, dict[str, Any]] = {
    "four a day if needed": {
        "dosageInstruction": [
            {
                "asNeededBoolean": True,
                "timing": {"repeat": {"frequency": 4, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseQuantity": {"value": 1, "system": UCUM, "code": "{tbl}"}}],
            }
        ]
    },
    "30 days": {
        "dispenseRequest": {
            "expectedSupplyDuration": {"value": 30, "system": UCUM, "code": "d", "unit": "days"}
        }
    },
}


def _draft(server: FhirServer, name: str, order: str) -> dict[str, Any]:
    """The order of a row, its display the words before the code."""
    own = {"reference": f"Patient/{INDEX[name].person}"}
    row = next(row for row in INDEX[name].rows if row.order == order)
    words = order.removeprefix("renewal of ").partition(" (")[0]
    is_test = "-" in row.code
    concept = {
        "coding": [
            {
                "system": "http://loinc.org" if is_test else RXNORM,
                "code": row.code,
                "display": words,
            }
        ]
    }
    if is_test:
        kind, what = "ServiceRequest", {"code": concept}
    else:
        kind, what = "MedicationRequest", {"medicationCodeableConcept": concept}
    for words, members in _ORDERED.items():
        what |= members if words in order else {}
    draft = {"resourceType": kind, "id": "draft", "status": "draft", "intent": "order"}
    if order.startswith("renewal of "):
        (earlier,) = (
            each
            for each in server.store.all(kind)
            if each["subject"] == own
            and each["status"] == "active"
            and row.code in json.dumps(each.get("medicationCodeableConcept", {}))
        )
        what["priorPrescription"] = {"reference": f"MedicationRequest/{earlier['id']}"}
    return {**draft, **what, "subject": own}


def _body(hook: str, server: FhirServer, name: str) -> dict[str, Any]:
    return {
        "hook": hook,
        "hookInstance": "9f0a3e5c-1d2b-4a6e-8c7f-2b4d6f8a0c1e",
        "fhirServer": server.base,
        "context": {"userId": "Practitioner/stories", "patientId": INDEX[name].person},
    }
