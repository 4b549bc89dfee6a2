"""Orders for a laboratory outside that lack what it needs."""

from typing import Any

from clinical.checks.catalogue import incomplete
from fhir.records import Draft, Reference
from tests.cases.table import fires, silent
from tests.clinical.build import ago, chart, concept, lab_draft

CHECKS = (incomplete,)
RULE = "order.incomplete"
BOUNDARIES = {RULE: "code status exclusion value missing drafts"}
PAP, PSA, POTASSIUM, DIGOXIN = "10524-7", "2857-1", "2823-3", "10535-3"
OUTSIDE, HERE = (
    {"performer": (Reference(each),)} for each in ("Organization/lab", "Practitioner/p")
)
WHEN = {"occurrence_date_time": ago(0)}
WHY = {"reason_code": (concept(text="Prostate cancer"),)}
SPECIMEN = {"specimen": (Reference("Specimen/s1"),)}


def signing(*ordered: Draft, **changes: Any) -> Any:
    return chart(drafts=list(ordered), **changes)


CASES = (
    fires(RULE, "code", "PSA", signing(lab_draft(PSA, **OUTSIDE)), "info", "the reason"),
    silent(RULE, "code", "potassium", signing(lab_draft(POTASSIUM, **OUTSIDE))),
    fires(RULE, "status", "draft", signing(lab_draft(PSA, **OUTSIDE))),
    silent(RULE, "status", "revoked", signing(lab_draft(PSA, status="revoked", **OUTSIDE))),
    silent(
        RULE, "status", "not to be done", signing(lab_draft(PSA, do_not_perform=True, **OUTSIDE))
    ),
    fires(
        RULE, "exclusion", "outside", signing(lab_draft(PSA, performer=Reference("Organization/x")))
    ),
    silent(RULE, "exclusion", "in the house", signing(lab_draft(PSA, **HERE))),
    silent(RULE, "exclusion", "nobody named", signing(lab_draft(PSA))),
    fires(RULE, "value", "specimen without why", signing(lab_draft(PAP, **OUTSIDE, **SPECIMEN))),
    silent(
        RULE, "value", "specimen and why", signing(lab_draft(PAP, **OUTSIDE, **SPECIMEN, **WHY))
    ),
    fires(
        RULE, "missing", "no time", signing(lab_draft(DIGOXIN, **OUTSIDE)), says="when it is taken"
    ),
    silent(RULE, "missing", "a time", signing(lab_draft(DIGOXIN, **OUTSIDE, **WHEN))),
    silent(
        RULE,
        "missing",
        "an order that cannot be read",
        signing(Draft("ServiceRequest/x", None, b"{}")),
        gap="could not be read",
    ),
    fires(
        RULE,
        "drafts",
        "the second",
        signing(lab_draft(PSA, **OUTSIDE, **WHY), lab_draft(PSA, "l2", **OUTSIDE)),
    ),
    silent(
        RULE,
        "drafts",
        "neither",
        signing(lab_draft(PSA, **OUTSIDE, **WHY), lab_draft(POTASSIUM, "l2", **OUTSIDE)),
    ),
)
