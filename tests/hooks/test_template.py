"""Prefetch templates: what is refused at the start, and what a filled one asks."""

import pytest

from fhir.transport import Query
from hooks.contexts import HOOKS, tokens
from hooks.template import USER_TOKENS, TemplateError, parse

pytestmark = pytest.mark.req("CH-022", "CH-023", "CH-024", "CH-025", "CH-026")

TOKENS = tokens("order-sign") | USER_TOKENS
PATIENT = "patient={{context.patientId}}"

GOOD = {
    "Patient/{{context.patientId}}": Query("Patient", "p1"),
    "Encounter/{{context.encounterId}}": Query("Encounter", "e1"),
    "Practitioner/{{userPractitionerId}}": Query("Practitioner", "u1"),
    f"Condition?{PATIENT}": Query("Condition", None, (("patient", "p1"),)),
    f"Condition?{PATIENT}&clinical-status=active": Query(
        "Condition", None, (("patient", "p1"), ("clinical-status", "active"))
    ),
    f"Observation?{PATIENT}&code=http://loinc.org|4548-4,http://loinc.org|17856-6": Query(
        "Observation",
        None,
        (("patient", "p1"), ("code", "http://loinc.org|4548-4,http://loinc.org|17856-6")),
    ),
    f"Observation?{PATIENT}&code:in=http://example.org/vs": Query(
        "Observation", None, (("patient", "p1"), ("code:in", "http://example.org/vs"))
    ),
    f"Observation?{PATIENT}&_sort=-date&_count=20": Query(
        "Observation", None, (("patient", "p1"), ("_sort", "-date"), ("_count", "20")), follow=False
    ),
    f"Observation?{PATIENT}&_sort=-date": Query(
        "Observation", None, (("patient", "p1"), ("_sort", "-date"))
    ),
    f"Procedure?{PATIENT}&date=ge2020-01-01": Query(
        "Procedure", None, (("patient", "p1"), ("date", "ge2020-01-01"))
    ),
    "Observation?subject={{context.patientId}}": Query("Observation", None, (("subject", "p1"),)),
}
FILLED = {
    "context.patientId": "p1",
    "context.encounterId": "e1",
    "context.userId": "Practitioner/u1",
    "userPractitionerId": "u1",
}


@pytest.mark.parametrize(("text", "query"), GOOD.items())
def test_a_template_that_all_clients_can_run_is_filled(text: str, query: Query) -> None:
    template = parse(text, TOKENS)
    assert template.text == text
    assert template.fill(FILLED) == query
    assert template.is_read == ("?" not in text)


@pytest.mark.parametrize("text", GOOD)
def test_a_template_is_not_asked_with_a_token_left_open(text: str) -> None:
    assert parse(text, TOKENS).fill({}) is None


BAD = {
    "": "a read is written",
    "Patient": "a read is written",
    "Patient/": "a read is written",
    "Patient/123": "a read is written",
    "Patient/{{context.patientId}}/_history/1": "a read is written",
    "Patient/{{context.patientId}}/$everything": "a read is written",
    "Patient/x{{context.patientId}}": "a read is written",
    "{{context.userId}}": "a read is written",
    "/Patient/{{context.patientId}}": "a read is written",
    "https://ehr.test/fhir/Patient/{{context.patientId}}": "a read is written",
    "patient/{{context.patientId}}": "not a resource type",
    f"{{{{context.patientId}}}}?{PATIENT}": "not a resource type",
    f"Patient/$match?{PATIENT}": "not a resource type",
    f"?{PATIENT}": "not a resource type",
    "Patient/{{context.patientID}}": "not a prefetch token",
    "Patient/{{patientId}}": "not a prefetch token",
    "Patient/{{Patient.id}}": "not a prefetch token",
    "Patient/{{ context.patientId }}": "not a prefetch token",
    "Patient/{{}}": "not a prefetch token",
    "Condition?patient={{context.draftOrders}}": "not a prefetch token",
    "Condition?patient={{context.selections}}": "not a prefetch token",
    "Condition?patient={{%patient.id}}": "not a prefetch token",
    f"Observation?{PATIENT}&date=ge{{{{today()}}}}": "not a prefetch token",
    f"Observation?{PATIENT}&date=ge{{{{today() - 30 days}}}}": "not a prefetch token",
    "Patient/{context.patientId}": "braces",
    "Patient/{{context.patientId}": "braces",
    "Patient/{{{context.patientId}}}": "braces",
    f"Condition?{PATIENT}&": "no value",
    f"Condition?{PATIENT}&code": "no value",
    f"Condition?{PATIENT}&code=": "no value",
    f"Condition?&{PATIENT}": "no value",
    "Condition?": "for this patient",
    "Observation?code=http://loinc.org|4548-4": "for this patient",
    "Observation?patient={{userPatientId}}": "for this patient",
    "Observation?patient={{userPractitionerId}}": "for this patient",
    "Observation?patient={{context.patientId}},other": "for this patient",
    "Observation?subject=Patient/{{context.patientId}}": "for this patient",
    "Observation?performer={{context.patientId}}": "for this patient",
    "Observation?patient={{context.patientId}}&subject={{userPatientId}}": "subject is",
    "Patient?_id={{context.patientId}}": "for this patient",
    f"Observation?{PATIENT}&date=ge2020&date=le2021": "twice",
    f"Observation?{PATIENT}&{PATIENT}": "twice",
    f"Observation?{PATIENT}&_sort=date": "_sort",
    f"Observation?{PATIENT}&_sort=-_lastUpdated": "_sort",
    f"Observation?{PATIENT}&sort:desc=date": "subset",
    f"Observation?{PATIENT}&_sort:desc=date": "subset",
    f"Observation?{PATIENT}&_maxresults=5": "subset",
    f"Observation?{PATIENT}&_include=Observation:patient": "subset",
    f"Observation?{PATIENT}&_revinclude=Provenance:target": "subset",
    f"Observation?{PATIENT}&_lastUpdated=gt2020": "subset",
    f"Observation?{PATIENT}&_summary=true": "subset",
    f"Observation?{PATIENT}&_elements=id": "subset",
    f"Observation?{PATIENT}&_format=xml": "subset",
    f"Observation?{PATIENT}&_filter=x": "subset",
    f"Observation?{PATIENT}&code:not=x": "subset",
    f"Observation?{PATIENT}&code:text=x": "subset",
    f"Observation?{PATIENT}&subject.name=x": "subset",
    f"Observation?{PATIENT}&_has:Group:member=x": "subset",
    f"Observation?{PATIENT}&Code=x": "subset",
    f"Observation?{PATIENT}&_count=20": "_sort",
    f"Observation?{PATIENT}&_sort=-date&_count=1": "at least 20",
    f"Observation?{PATIENT}&_sort=-date&_count=0": "at least 20",
    f"Observation?{PATIENT}&_sort=-date&_count=-20": "at least 20",
    f"Observation?{PATIENT}&_sort=-date&_count=many": "at least 20",
    f"Observation?{PATIENT}&date=last-week": "compared",
    f"Observation?{PATIENT}&date=sa2020-01-01": "compared",
    f"Observation?{PATIENT}&date=ne2020-01-01": "compared",
}


@pytest.mark.parametrize(("text", "reason"), BAD.items())
def test_a_template_that_some_client_cannot_run_is_refused(text: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=reason):
        parse(text, TOKENS)


ODD = {
    "blank": f"Observation?{PATIENT}&code=a b",
    "line feed": f"Observation?{PATIENT}&code=a\n",
    "plus, which the public sandbox turns into a blank": f"Observation?{PATIENT}&code=a+b",
    "fragment": f"Observation?{PATIENT}&code=a#b",
    "encoded": f"Observation?{PATIENT}&code=http%3A%2F%2Floinc.org",
    "second question mark": f"Observation?{PATIENT}&code=a?b",
    "count in other digits": f"Observation?{PATIENT}&_sort=-date&_count=\N{SUPERSCRIPT TWO}0",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_a_value_that_clients_send_differently_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        parse(text, TOKENS)


def test_a_value_is_put_in_as_it_is_and_encoded_by_the_transport() -> None:
    template = parse(f"Observation?{PATIENT}", TOKENS)
    query = template.fill({"context.patientId": "a&b=c"})
    assert query is not None
    assert query.params == (("patient", "a&b=c"),)


def test_a_token_in_a_token_is_not_filled() -> None:
    template = parse("Patient/{{context.patientId}}", TOKENS)
    query = template.fill({**FILLED, "context.patientId": "{{userPractitionerId}}"})
    assert query == Query("Patient", "{{userPractitionerId}}")


# Checklist section 3. dispatchedOrders is a token as well, but a list of references: no template
# of 2.0 can use it.
EXPECTED = {
    hook: {"context.patientId", "context.userId", "context.encounterId"} for hook in HOOKS
} | {"order-dispatch": {"context.patientId", "context.performer"}}


@pytest.mark.parametrize("hook", HOOKS)
def test_the_tokens_of_a_hook_are_those_of_the_library(hook: str) -> None:
    assert tokens(hook) == EXPECTED[hook]
