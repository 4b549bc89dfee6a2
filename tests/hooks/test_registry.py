"""What stops the start, by the name of the file; what a declaration becomes."""

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from textwrap import indent

import pytest

from fhir.records import Patient
from hooks.registry import Registry, ServiceError, find
from tests.demo.services import demo_patient_view
from web.settings import StartError

pytestmark = pytest.mark.req("CH-016", "CH-017", "CH-020", "CH-022", "CH-027")

FUTURE = "from __future__ import annotations\n"
HEAD = """\
from collections.abc import Iterator, Iterable
from datetime import date, datetime, tzinfo
from fhir.records import Condition, Medication, Observation, Patient
from hooks import Finding, service
from hooks.contexts import Context, OrderSelect, OrderSign, PatientView
"""


def declared(
    parameters: str,
    hooks: str = '"patient-view"',
    prefetch: str = "",
    define: str = "def",
    returns: str = " -> Iterator[Finding]",
    **changed: str,
) -> str:
    """The source of one service."""
    named = {"id": '"x"', "title": '"X"', "description": '"Says x."', **changed}
    members = "\n".join(f"{name}={value}," for name, value in named.items() if value)
    return (
        f"@service(\n    {hooks}{',' if hooks else ''}\n{indent(members, '    ')}\n"
        f"    prefetch={{{prefetch}}},\n)\n{define} x({parameters}){returns}:\n    yield from ()\n"
    )


PATIENT = '"patient": "Patient/{{context.patientId}}"'
LABS = '"labs": "Observation?patient={{context.patientId}}"'
GOOD = declared("patient: Patient", prefetch=PATIENT)

MISTAKES: dict[str, tuple[str, str]] = {
    "misspelt key": (
        declared("patiant: Patient", prefetch=PATIENT),
        "parameter 'patiant' is no prefetch key (patient)",
    ),
    "misspelt parameter": (
        declared("patient: Patient, lab: list[Observation]", prefetch=PATIENT),
        "parameter 'lab' is no prefetch key",
    ),
    "key never read": (
        declared("patient: Patient", prefetch=f"{PATIENT}, {LABS}"),
        "prefetch key 'labs' is declared and never read",
    ),
    "parameter with a default": (
        declared("patient: Patient = None", prefetch=PATIENT),
        "parameter 'patient' has a default",
    ),
    "id that is no text": (
        declared("patient: Patient", prefetch=PATIENT).replace('id="', 'id=b"'),
        "bad.py",
    ),
    "keyword arguments": (
        declared("patient: Patient, **more: object", prefetch=PATIENT),
        "parameter 'more'",
    ),
    "positional-only key": (
        declared("patient: Patient, /", prefetch=PATIENT),
        "parameter 'patient' cannot be given by its name",
    ),
    "key as positional arguments": (
        declared("*patient: Patient", prefetch=PATIENT),
        "parameter 'patient' cannot be given by its name",
    ),
    "key as keyword arguments": (
        declared("**patient: Patient", prefetch=PATIENT),
        "parameter 'patient' cannot be given by its name",
    ),
    "coroutine": (
        declared("patient: Patient", prefetch=PATIENT, define="async def").replace(
            "yield from ()", "yield 1"
        ),
        "async",
    ),
    "no hook": (declared("", hooks=""), "names no hook"),
    "unknown hook": (
        declared("", hooks='"patient-review"'),
        "'patient-review' is not a known hook",
    ),
    "hook in other case": (declared("", hooks='"Patient-View"'), "is not a known hook"),
    "hook twice": (declared("", hooks='"order-sign", "order-sign"'), "names a hook twice"),
    "id with blanks": (declared("", id='"my service"'), "id 'my service' is not"),
    "id with a slash": (declared("", id='"a/b"'), "id 'a/b' is not"),
    "id in capitals": (declared("", id='"Renal"'), "id 'Renal' is not"),
    "id empty": (declared("", id='""'), "id '' is not"),
    "id with a line feed": (declared("", id=r'"a\n"'), "is not lower-case"),
    "no title": (declared("", title='""'), "needs a title and a description"),
    "blank title": (declared("", title='"  "'), "needs a title and a description"),
    "no description": (declared("", description='""'), "needs a title and a description"),
    "title left out": (declared("", title=""), "TypeError"),
    "version of two numbers": (declared("", version='"1.0"'), "version '1.0' is not"),
    "version with a v": (declared("", version='"v1.0.0"'), "version 'v1.0.0' is not"),
    "illegal template": (
        declared("patient: Patient", prefetch='"patient": "Patient/{{context.patientid}}"'),
        "prefetch key 'patient': {{context.patientid}} is not a prefetch token",
    ),
    "token of another hook": (
        declared(
            "patient: Patient",
            hooks='"order-dispatch"',
            prefetch='"patient": "Patient/{{context.encounterId}}"',
        ),
        "is not a prefetch token",
    ),
    "token of one of two hooks": (
        declared(
            "labs: list[Observation]",
            hooks='"order-sign", "order-dispatch"',
            prefetch='"labs": "Observation?patient={{context.patientId}}&code={{context.userId}}"',
        ),
        "is not a prefetch token",
    ),
    "illegal search": (
        declared(
            "labs: list[Observation]",
            prefetch='"labs": "Observation?patient={{context.patientId}}&sort:desc=date"',
        ),
        "prefetch key 'labs'",
    ),
    "type without a read model": (
        declared("role: Patient", prefetch='"role": "PractitionerRole/{{userPractitionerRoleId}}"'),
        "no read model for PractitionerRole",
    ),
    "patient by another token": (
        declared("patient: Patient", prefetch='"patient": "Patient/{{userPatientId}}"'),
        "the patient is Patient/{{context.patientId}}",
    ),
    "search of a type that says nothing of its patient": (
        declared(
            "drugs: list[Medication]",
            prefetch='"drugs": "Medication?patient={{context.patientId}}"',
        ),
        "does not say whose it is",
    ),
    "search that names no patient": (
        declared("labs: list[Observation]", prefetch='"labs": "Observation?code=1-8"'),
        "prefetch key 'labs': a search is for this patient",
    ),
    "no annotation": (declared("patient", prefetch=PATIENT), "annotated Patient or Patient | None"),
    "annotation of another type": (
        declared("patient: Condition", prefetch=PATIENT),
        "annotated Patient or Patient | None",
    ),
    "list for a read": (
        declared("patient: list[Patient]", prefetch=PATIENT),
        "annotated Patient or Patient | None",
    ),
    "single for a search": (
        declared("labs: Observation", prefetch=LABS),
        "annotated list[Observation] or list[Observation] | None",
    ),
    "list of another type": (
        declared("labs: list[Condition]", prefetch=LABS),
        "annotated list[Observation] or list[Observation] | None",
    ),
    "plain list": (declared("labs: list", prefetch=LABS), "annotated list[Observation]"),
    "another collection": (
        declared("labs: Iterable[Observation]", prefetch=LABS),
        "annotated list[Observation]",
    ),
    "list of optional": (
        declared("labs: list[Observation | None]", prefetch=LABS),
        "annotated list[Observation]",
    ),
    "annotation that means nothing": (
        declared("patient: Patint", prefetch=PATIENT),
        "Patint",
    ),
    "context without annotation": (declared("context"), "'context' is not annotated"),
    "context of another hook": (declared("context: OrderSign"), "'context' is not annotated"),
    "context of one of two hooks": (
        declared("context: OrderSign", hooks='"order-sign", "patient-view"'),
        "'context' is not annotated",
    ),
    "today without annotation": (declared("today"), "'today' is annotated date"),
    "today as datetime": (declared("today: datetime"), "'today' is annotated date"),
    "zone as text": (declared("zone: str"), "'zone' is annotated tzinfo"),
    "import error": ("import no_such_module_anywhere\n", "ModuleNotFoundError"),
    "syntax error": ("def x(:\n", "SyntaxError"),
    "error at import": ("1 / 0\n", "ZeroDivisionError"),
    "no service": ("x = 1\n", "declares no @service"),
    "empty file": ("", "declares no @service"),
    "service of another file": (
        "from tests.demo.services import demo_shared\n",
        "declares no @service",
    ),
    "not called decorator": (
        "@service\ndef x() -> Iterator[Finding]:\n    yield from ()\n",
        "",
    ),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is a package of its own: its name is not used by another test."""
    monkeypatch.syspath_prepend(tmp_path.parent)
    yield tmp_path
    for name in [each for each in sys.modules if each.partition(".")[0] == tmp_path.name]:
        del sys.modules[name]


def started(folder: Path, head: str = "", /, **files: str) -> Registry:
    """The registry of services in files of these names."""
    for name, source in files.items():
        (folder / f"{name}.py").write_text(head + HEAD + source, "utf-8")
    return Registry(find(folder, folder.name))


@pytest.mark.parametrize("future", ["", FUTURE], ids=["", "annotations as text"])
@pytest.mark.parametrize(("source", "reason"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_stops_the_start_by_the_name_of_its_file(
    folder: Path, source: str, reason: str, future: str
) -> None:
    with pytest.raises(ServiceError) as caught:
        started(folder, future, a_good=GOOD.replace('"x"', '"good"'), bad=source)
    assert str(caught.value).startswith(f"{folder / 'bad.py'}: ")
    assert reason in str(caught.value)
    assert isinstance(caught.value, StartError)


def test_two_services_with_one_id_on_one_hook_stop_the_start_by_both_files(folder: Path) -> None:
    with pytest.raises(ServiceError) as caught:
        started(folder, a=GOOD, b=GOOD)
    assert str(folder / "b.py") in str(caught.value)
    assert str(folder / "a.py") in str(caught.value)
    assert "'x' on patient-view" in str(caught.value)


def test_one_id_on_two_hooks_may_be_two_files(folder: Path) -> None:
    registry = started(folder, a=GOOD, b=declared("", hooks='"order-sign"'))
    hooks = registry.hooks_of("x")
    assert hooks is not None
    assert set(hooks) == {"patient-view", "order-sign"}
    assert registry.hooks_of("y") is None


def test_files_are_found_in_the_order_of_their_names_and_others_are_left(folder: Path) -> None:
    (folder / "__init__.py").write_text("", "utf-8")
    (folder / "notes.txt").write_text("no service", "utf-8")
    (folder / "data").mkdir()
    names = ("c", "a", "b")
    registry = started(folder, **{name: GOOD.replace('"x"', f'"{name}"') for name in names})
    assert [service.id for service in registry.all] == ["a", "b", "c"]


def test_a_file_may_declare_several_services(folder: Path) -> None:
    second = GOOD.replace('"x"', '"y"').replace("def x(", "def y(")
    registry = started(folder, both=GOOD + second)
    assert [service.id for service in registry.all] == ["x", "y"]


@pytest.mark.parametrize(
    ("parameters", "needed"),
    [
        ("patient: Patient, labs: list[Observation]", [True, True]),
        ("patient: Patient | None, labs: list[Observation] | None", [False, False]),
        ("labs: 'list[Observation] | None', patient: 'Patient'", [False, True]),
        ("patient: None | Patient, labs: list[Observation]", [False, True]),
        ("*, patient: Patient, labs: list[Observation]", [True, True]),
        ("today: date, patient: Patient, zone: tzinfo, labs: list[Observation]", [True, True]),
    ],
)
def test_an_annotation_says_what_is_needed(
    folder: Path, parameters: str, needed: list[bool]
) -> None:
    registry = started(folder, a=declared(parameters, prefetch=f"{PATIENT}, {LABS}"))
    (service,) = registry.all
    assert [each.needed for each in service.parameters] == needed


@pytest.mark.parametrize(
    ("context", "hooks"),
    [
        ("PatientView", '"patient-view"'),
        ("Context", '"patient-view"'),
        ("OrderSign", '"order-select", "order-sign"'),
        ("OrderSelect", '"order-select"'),
        ("PatientView | OrderSign", '"patient-view", "order-sign"'),
    ],
)
def test_a_context_is_annotated_with_what_its_hooks_bring(
    folder: Path, context: str, hooks: str
) -> None:
    registry = started(folder, a=declared(f"context: {context}", hooks=hooks))
    assert registry.all[0].extras == {"context"}


def test_a_decorated_function_is_returned_untouched() -> None:
    assert list(demo_patient_view(Patient(id="p"), None, [], date(2026, 11, 24))) == []


def test_the_shipped_services_start() -> None:
    assert Registry(find()).all
