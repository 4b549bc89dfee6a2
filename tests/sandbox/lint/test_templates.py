"""Prefetch templates: what breaks a rule, and what comes close and does not."""

import pytest

from tests.sandbox.lint.documents import case, check_broken, of_template

P = "patient={{context.patientId}}"
WHERE = "services[0].prefetch.asked"

CASES = [
    case("templates.tokens_are_tokens", "Patient/{context.patientId}"),
    case("templates.tokens_are_tokens", "Patient/{{context.patientId}"),
    case("templates.tokens_are_tokens", "Patient/{{Patient.id}}"),
    case("templates.tokens_are_tokens", "Patient/{{user}}"),
    case("templates.tokens_are_tokens", "Patient/{{}}"),
    case("templates.tokens_are_tokens", f"Observation?{P}&date=ge{{{{today() - 90}}}}"),
    case("templates.tokens_are_of_2_0", f"Observation?{P}&date=ge{{{{today()}}}}"),
    case("templates.tokens_are_of_2_0", f"Observation?{P}&date=ge{{{{today() - 90 days}}}}"),
    case(
        "templates.tokens_are_of_2_0",
        "Medication?_id={{context.draftOrders.entry.resource.ofType(MedicationRequest).id}}",
    ),
    case("templates.tokens_are_of_2_0", "Patient/{{context.patientId|userPatientId}}"),
    case("templates.tokens_are_tight", "Patient/{{ context.patientId }}"),
    case("templates.fields_are_tokens", "Patient/{{context.patientID}}"),
    case("templates.fields_are_tokens", "MedicationRequest?_id={{context.draftOrders}}"),
    case("templates.is_a_query", "https://example.org/fhir/Patient/{{context.patientId}}"),
    case("templates.is_a_query", "/Patient/{{context.patientId}}"),
    case("templates.is_a_query", "patients/{{context.patientId}}"),
    case("templates.is_a_query", f"Observation? {P}"),
    case("templates.is_a_plain_interaction", "Patient/{{context.patientId}}/$everything"),
    case("templates.is_a_plain_interaction", "Patient/{{context.patientId}}/_history"),
    case("templates.is_a_plain_search", f"Condition?{P}&code:below=1"),
    case("templates.is_a_plain_search", f"Condition?{P}&_include=Condition:encounter"),
    case("templates.is_a_plain_search", f"Condition?{P}&encounter.type=1"),
    case("templates.is_a_plain_search", f"Condition?{P}&onset-date=ne2020-01-01"),
    case("templates.parameters_stand_once", f"Observation?{P}&date=ge2020-01-01&date=le2021-01-01"),
    case("templates.is_fhir", f"Observation?{P}&sort:desc=date"),
    case("templates.is_fhir", f"Observation?{P}&_maxresults=1"),
    case("templates.is_about_somebody", "Observation?code=http://loinc.org|2160-0"),
    case("templates.is_about_somebody", "Patient"),
]

KEPT = [
    ("CH-022", "{{context.userId}}"),
    ("CH-022", "PractitionerRole/{{userPractitionerRoleId}}"),
    ("CH-023", "Encounter/{{context.encounterId}}"),
    ("CH-024", f"Condition?{P}&code:in=http://example.org/ValueSet/a"),
    ("CH-024", f"Observation?{P}&date=gt2020-01-01&_count=1"),
    ("CH-025", f"Observation?{P}&_sort=-date"),
    ("CH-077", "Questionnaire?url=http://example.org/q"),
    ("CH-077", f"MedicationRequest?{P}"),
]


@pytest.mark.parametrize(("rule", "template"), CASES)
def test_a_rule_is_broken(rule: str, template: str) -> None:
    check_broken(of_template(template), rule, WHERE)


@pytest.mark.parametrize(
    "template", [pytest.param(text, marks=pytest.mark.req(number)) for number, text in KEPT]
)
def test_rules_are_kept(template: str) -> None:
    assert of_template(template).findings == ()


ORDER = "templates.sources_come_first"
ORDERS = [
    case(ORDER, "Practitioner/{{%later.id}}", "The key 'later' does not stand before it."),
    case(ORDER, "Practitioner/{{%other.id}}", "There is no key 'other'."),
    case(ORDER, "Practitioner/{{%asked.id}}", "The key 'asked' does not stand before it."),
]


@pytest.mark.parametrize(("rule", "template", "said"), ORDERS)
def test_a_key_stands_after_its_source(rule: str, template: str, said: str) -> None:
    report = of_template(template, later="{{context.userId}}")
    assert {each.rule for each in report.findings} == {"CH-022", "CH-026"}
    assert any(each.text.startswith(said) for each in report.findings)


@pytest.mark.req("CH-026")
def test_a_key_may_need_one_before_it() -> None:
    report = of_template("{{context.userId}}", later="Organization/{{%asked.organization.id}}")
    assert [each.rule for each in report.findings] == ["CH-022"]


@pytest.mark.req("CH-023")
def test_tokens_are_those_of_the_hook() -> None:
    dispatch = of_template("{{context.performer}}", hook="order-dispatch")
    assert not [each for each in dispatch.findings if each.rule == "CH-023"]
    (found,) = of_template("{{context.userId}}", hook="order-dispatch").findings[-1:]
    assert found.rule == "CH-023"
    own = of_template("{{context.anything}}", hook="com.example.hook")
    assert not [each for each in own.findings if each.rule == "CH-023"]
