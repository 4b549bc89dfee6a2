"""Scopes: which are asked for, and what those that are granted permit."""

from __future__ import annotations

import msgspec
import pytest

from launch import scopes
from launch.scopes import Level, Scopes, choose
from web.trust import SCOPES, SCOPES_V1, Smart

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
LABORATORY = f"patient/Observation.rs?category={CATEGORY}|laboratory"

V1 = frozenset({"permission-v1"})
V2 = frozenset({"permission-v2"})
BOTH = V1 | V2


def smart(**members: object) -> Smart:
    given = {"client_id": "c", "issuers": ("https://ehr.example/fhir",), **members}
    return Smart(**given)  # type: ignore[arg-type]


# Granted; level, type, interactions; whether they may.
CAN: list[tuple[str, Level, str, str, bool]] = [
    ("patient/Patient.r", "patient", "Patient", "r", True),
    ("patient/Patient.r", "patient", "Patient", "s", False),
    ("patient/Patient.r", "patient", "Condition", "r", False),
    ("patient/Patient.r", "user", "Patient", "r", False),
    ("user/Patient.r", "patient", "Patient", "r", False),
    ("system/Patient.r", "patient", "Patient", "r", False),
    ("patient/Condition.rs", "patient", "Condition", "rs", True),
    ("patient/Condition.r patient/Condition.s", "patient", "Condition", "rs", True),
    ("patient/Condition.cud", "patient", "Condition", "r", False),
    ("patient/Condition.cruds", "patient", "Condition", "d", True),
    ("patient/*.rs", "patient", "Condition", "s", True),
    ("patient/*.s", "patient", "Condition", "r", False),
    ("patient/Condition.read", "patient", "Condition", "rs", True),
    ("patient/Condition.read", "patient", "Condition", "c", False),
    ("patient/Condition.write", "patient", "Condition", "cud", True),
    ("patient/Condition.write", "patient", "Condition", "r", False),
    ("patient/Condition.*", "patient", "Condition", "cruds", True),
    ("patient/*.*", "patient", "Anything", "cruds", True),
    ("user/*.read patient/Patient.r", "user", "Condition", "s", True),
    # Not well formed: grants nothing.
    ("patient/Condition.dus", "patient", "Condition", "d", False),
    ("patient/Condition.sr", "patient", "Condition", "s", False),
    ("patient/Condition.rr", "patient", "Condition", "r", False),
    ("patient/Condition.rx", "patient", "Condition", "r", False),
    ("patient/Condition.", "patient", "Condition", "r", False),
    ("patient/Condition", "patient", "Condition", "r", False),
    ("patient/condition.r", "patient", "Condition", "r", False),
    ("patient/Condition.reader", "patient", "Condition", "r", False),
    ("patient/Condition.Read", "patient", "Condition", "r", False),
    ("Patient/Condition.r", "patient", "Condition", "r", False),
    ("xpatient/Condition.r", "patient", "Condition", "r", False),
    ("patient/.r", "patient", "", "r", False),
    ("patient/Condition.r?", "patient", "Condition", "r", False),
    ("patient/Condition.r?category", "patient", "Condition", "r", False),
    ("patient/Condition.r?&", "patient", "Condition", "r", False),
    ("patient/Condition.read?category=a", "patient", "Condition", "r", False),
    ("patient/Condition.r\tpatient/Patient.r", "patient", "Patient", "r", False),
    ("", "patient", "Patient", "r", False),
    ("launch/patient openid fhirUser", "patient", "Patient", "r", False),
]


@pytest.mark.req("SL-056")
@pytest.mark.parametrize(("granted", "level", "resource", "interaction", "may"), CAN)
def test_a_scope_permits_its_level_type_and_interactions(
    granted: str, level: Level, resource: str, interaction: str, may: bool
) -> None:
    assert scopes.parse(granted).can(level, resource, interaction) is may


def test_no_interaction_is_not_permitted() -> None:
    assert not scopes.parse("patient/*.*").can("patient", "Patient", "")


# Granted; the request's parameters; whether it may.
RESTRICTED: list[tuple[str, dict[str, str], bool]] = [
    (LABORATORY, {}, False),
    (LABORATORY, {"category": "laboratory"}, True),
    (LABORATORY, {"category": f"{CATEGORY}|laboratory"}, True),
    (LABORATORY, {"category": "vital-signs"}, False),
    (LABORATORY, {"category": "http://elsewhere|laboratory"}, False),
    (LABORATORY, {"category": "laboratory,vital-signs"}, False),
    (LABORATORY, {"code": "laboratory"}, False),
    ("patient/Observation.rs?category=laboratory", {"category": f"{CATEGORY}|laboratory"}, True),
    ("patient/Observation.rs?category=laboratory,exam", {"category": "exam"}, True),
    ("patient/Observation.rs?category=laboratory,exam", {"category": "exam,laboratory"}, True),
    ("patient/Observation.rs?category=laboratory&status=final", {"category": "laboratory"}, False),
    (
        "patient/Observation.rs?category=laboratory&status=final",
        {"category": "laboratory", "status": "final"},
        True,
    ),
    ("patient/Observation.rs?category=laboratory%26x", {"category": "laboratory"}, False),
    (f"{LABORATORY} patient/Observation.rs", {}, True),
    ("patient/Observation.rs", {"category": "laboratory"}, True),
    ("patient/*.rs?category=laboratory", {}, False),
]


@pytest.mark.req("SL-056")
@pytest.mark.parametrize(("granted", "params", "may"), RESTRICTED)
def test_a_restricted_scope_permits_requests_that_keep_to_it(
    granted: str, params: dict[str, str], may: bool
) -> None:
    assert scopes.parse(granted).can("patient", "Observation", "s", **params) is may


def test_scopes_that_are_not_for_records_are_kept_by_name() -> None:
    granted = scopes.parse("openid fhirUser launch/patient openid patient/Patient.r")
    assert granted.others == ("openid", "fhirUser", "launch/patient")


def test_scopes_survive_being_stored() -> None:
    granted = scopes.parse(f"openid {LABORATORY} user/*.read")
    assert msgspec.json.decode(msgspec.json.encode(granted), type=Scopes) == granted


@pytest.mark.req("SL-034")
@pytest.mark.parametrize(
    ("capabilities", "listed"),
    [(V2, SCOPES), (BOTH, SCOPES), (V1, SCOPES_V1), (frozenset(), SCOPES_V1)],
)
def test_the_newest_version_that_is_offered_is_asked_for(
    capabilities: frozenset[str], listed: tuple[str, ...]
) -> None:
    asked = choose(smart(), capabilities, standalone=False)
    assert set(asked) == {"launch", *listed}
    assert len(set(asked)) == len(asked)


@pytest.mark.req("SL-008", "SL-034")
def test_versions_are_not_mixed_and_nothing_is_asked_for_wholesale() -> None:
    for capabilities in (V1, V2, BOTH):
        asked = choose(smart(), capabilities, standalone=True)
        suffixes = {each.split(".")[1] for each in asked if "." in each}
        assert suffixes <= ({"read"} if capabilities is V1 else {"r", "rs", "s"})
        assert not any("*" in each for each in asked)


@pytest.mark.req("SL-016", "SL-032")
def test_a_launch_of_the_ehr_and_one_of_our_own_ask_for_their_context() -> None:
    listed = ("launch", "openid", "fhirUser", "patient/Patient.r")
    from_ehr = choose(smart(scopes=listed), V2, standalone=False)
    ours = choose(smart(scopes=listed), V2, standalone=True)
    assert from_ehr[0] == "launch"
    assert "launch/patient" not in from_ehr
    assert ours[0] == "launch/patient"
    assert "launch" not in ours


@pytest.mark.req("SL-033")
@pytest.mark.parametrize(
    ("listed", "both"),
    [(("openid",), True), (("fhirUser",), True), (("openid", "fhirUser"), True), ((), False)],
)
def test_openid_and_fhir_user_go_together(listed: tuple[str, ...], both: bool) -> None:
    asked = choose(smart(scopes=(*listed, "patient/Patient.r")), V2, standalone=False)
    assert ("openid" in asked, "fhirUser" in asked) == (both, both)


@pytest.mark.parametrize(
    ("refresh", "expected"),
    [("none", set()), ("online", {"online_access"}), ("offline", {"offline_access"})],
)
def test_a_refresh_token_is_asked_for_as_agreed(refresh: str, expected: set[str]) -> None:
    listed = ("patient/Patient.r", "offline_access")
    asked = choose(smart(scopes=listed, refresh=refresh), V2, standalone=False)
    assert {each for each in asked if each.endswith("_access")} == expected
