"""What the case tables cannot show of critical results: how the findings of one chart differ."""

from clinical.checks.results import critical
from clinical.finding import Finding
from tests.cases.attention import flag, of, potassium
from tests.clinical.build import ago, lab


def test_two_results_without_an_id_are_two_findings() -> None:
    glucose = lab("2345-7", 30, "mg/dL", ago(1), id="", interpretation=flag("LL"))
    found = [each for each in critical(of(potassium(id=""), glucose)) if isinstance(each, Finding)]
    assert len({each.key for each in found}) == len(found) == 2
