"""Clinical services: the decorator that declares one, the folder they are found in, discovery.

A service is a pure function. Its decorator is its discovery entry, its parameters are named for its
prefetch keys, and their annotations say what is needed:

    X             needed: absent is a 412
    X | None      may be absent
    list[X]       a search; absent is a 412, nothing found is []
    list[X] | None

`context`, `today` (the date at the EHR) and `zone` (its time zone) are available by name. Every
mistake that can be seen without a patient stops the start and names the file.
"""

from __future__ import annotations

import datetime
import importlib
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from clinical.finding import Result
from fhir.records import Patient, Record, Resource
from hooks.contexts import HOOKS, Context, sure_tokens, tokens
from hooks.template import USER_TOKENS, Template, TemplateError, parse
from web.errors import StartError
from web.trust import Trust

Function = TypeVar("Function", bound=Callable[..., Iterable[Result]])

SERVICES = Path(__file__).parent / "services"


class ServiceError(StartError):
    """A service that cannot be offered; the text begins with its file."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What the service does with one prefetch key."""

    key: str
    template: Template
    type: type[Resource]
    needed: bool


@dataclass(frozen=True, slots=True)
class Service:
    """One service as declared, checked. `extras`: which of context, today, zone it asks for.
    `keys`: those of its prefetch.
    """

    hooks: tuple[str, ...]
    id: str
    title: str
    description: str
    version: str
    parameters: tuple[Parameter, ...]
    extras: frozenset[str]
    function: Callable[..., Iterable[Result]]
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Declaration:
    hooks: tuple[str, ...]
    id: str
    title: str
    description: str
    version: str
    prefetch: Mapping[str, str]


def service(
    *hooks: str,
    id: str,
    title: str,
    description: str,
    version: str = "1.0.0",
    prefetch: Mapping[str, str] | None = None,
) -> Callable[[Function], Function]:
    """Declare a clinical service. The function itself is returned unchanged."""

    def declare(function: Function) -> Function:
        declaration = _Declaration(hooks, id, title, description, version, prefetch or {})
        function.__dict__[_MARK] = declaration
        return function

    return declare


def find(folder: Path = SERVICES, package: str = "hooks.services") -> list[Callable[..., Any]]:
    """The declared functions of every file in the folder, in the order of file names."""
    found = []
    for file in sorted(folder.glob("*.py")):
        if file.stem == "__init__":
            continue
        name = f"{package}.{file.stem}"
        try:
            module = importlib.import_module(name)
        except Exception as error:
            raise ServiceError(f"{file}: {type(error).__name__}: {error}") from error
        declared = [
            member
            for member in vars(module).values()
            if _MARK in getattr(member, "__dict__", {}) and member.__module__ == name
        ]
        if not declared:
            raise ServiceError(f"{file}: declares no @service")
        found += declared
    return found


class Registry:
    """All services, by id and hook, and the discovery document as bytes."""

    def __init__(self, functions: Iterable[Callable[..., Any]]) -> None:
        self._services: dict[str, dict[str, Service]] = {}
        self.all: list[Service] = []
        for function in functions:
            try:
                checked = _checked(function)
            except (TypeError, AttributeError) as error:
                # An argument of another type than the decorator's annotations say.
                raise ServiceError(f"{_file(function)}: {error}") from None
            self.all.append(checked)
            for hook in checked.hooks:
                hooks = self._services.setdefault(checked.id, {})
                if hook in hooks:
                    other = _file(hooks[hook].function)
                    raise ServiceError(
                        f"{_file(function)}: {checked.id!r} on {hook} is also in {other}"
                    )
                hooks[hook] = checked
        # What a call of an id may ask for is known before its hook is.
        self._keys = {
            id: frozenset().union(*[each.keys for each in hooks.values()])
            for id, hooks in self._services.items()
        }
        self.discovery = msgspec.json.encode({"services": self._entries()})

    def hooks_of(self, id: str) -> Mapping[str, Service] | None:
        """The services behind one id, by hook."""
        return self._services.get(id)

    def keys_of(self, id: str) -> frozenset[str]:
        """The prefetch keys of the services behind one id."""
        return self._keys[id]

    def _entries(self) -> list[dict[str, Any]]:
        # An id on several hooks has its entries in the order declared: the public sandbox keeps
        # only the last one of an id.
        return [
            {
                "hook": hook,
                "id": service.id,
                "title": service.title,
                "description": service.description,
                "version": service.version,
            }
            | (
                {"prefetch": {each.key: each.template.text for each in service.parameters}}
                if service.parameters
                else {}
            )
            for service in self.all
            for hook in service.hooks
        ]


def check_entitlements(registry: Registry, trust: Trust) -> None:
    """Raises StartError where a trust record enables a service that there is not."""
    there = {service.id for service in registry.all}
    for ehr in trust.ehrs:
        for id_ in sorted((ehr.cds.services or frozenset()) - there if ehr.cds else ()):
            raise StartError(
                f"ehr.{ehr.id}.cds.services: {id_!r} is no service here. There are: "
                f"{', '.join(sorted(there))}."
            )


_MARK = "__cds_service__"
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_EXTRAS = {"today": datetime.date, "zone": datetime.tzinfo}
_RECORDS = typing.get_args(Record)


def _checked(function: Callable[..., Any]) -> Service:
    declared: _Declaration = function.__dict__[_MARK]

    def wrong(text: str) -> ServiceError:
        return ServiceError(f"{_file(function)}: {text}")

    if not declared.hooks:
        raise wrong("names no hook")
    for hook in declared.hooks:
        if hook not in HOOKS:
            raise wrong(f"{hook!r} is not a known hook")
    if len(set(declared.hooks)) != len(declared.hooks):
        raise wrong("names a hook twice")
    if not _ID.fullmatch(declared.id):
        raise wrong(f"id {declared.id!r} is not lower-case words joined by '-'")
    if not declared.title.strip() or not declared.description.strip():
        raise wrong("needs a title and a description")
    if not _VERSION.fullmatch(declared.version):
        raise wrong(f"version {declared.version!r} is not of the form 1.0.0")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise wrong("is async; a service computes and does not wait")
    try:
        hints = typing.get_type_hints(function)
    except Exception as error:
        raise wrong(f"has an annotation that means nothing: {error}") from None
    names = inspect.signature(function).parameters
    for name, argument in names.items():
        if argument.kind not in (argument.POSITIONAL_OR_KEYWORD, argument.KEYWORD_ONLY):
            raise wrong(f"parameter {name!r} cannot be given by its name")
        if argument.default is not argument.empty:
            raise wrong(f"parameter {name!r} has a default; its annotation says if it is needed")
    unknown = [name for name in names if name not in {*declared.prefetch, "context", *_EXTRAS}]
    if unknown:
        raise wrong(
            f"parameter {unknown[0]!r} is no prefetch key ({', '.join(declared.prefetch)}) and "
            "none of context, today and zone"
        )
    for key in declared.prefetch:
        if key not in names:
            raise wrong(f"prefetch key {key!r} is declared and never read")
    parameters, extras = [], set()
    allowed = USER_TOKENS.union(frozenset.intersection(*map(tokens, declared.hooks)))
    sure = frozenset.intersection(*map(sure_tokens, declared.hooks))
    for name in names:
        if name in declared.prefetch:
            try:
                template = parse(declared.prefetch[name], allowed)
                parameter = _parameter(name, template, hints.get(name))
                if parameter.needed and not template.tokens <= sure:
                    raise TemplateError(
                        "not every call of its hooks fills its tokens, so it may be absent: "
                        "annotate it with | None"
                    )
                parameters.append(parameter)
            except TemplateError as error:
                raise wrong(f"prefetch key {name!r}: {error}") from None
        elif name == "context":
            if not _takes(hints.get(name), [HOOKS[hook] for hook in declared.hooks]):
                raise wrong("'context' is not annotated with the contexts of its hooks")
            extras.add(name)
        else:
            if hints.get(name) is not _EXTRAS[name]:
                raise wrong(f"{name!r} is annotated {_EXTRAS[name].__name__}")
            extras.add(name)
    return Service(
        declared.hooks,
        declared.id,
        declared.title,
        declared.description,
        declared.version,
        tuple(parameters),
        frozenset(extras),
        function,
        frozenset(declared.prefetch),
    )


def _parameter(name: str, template: Template, hint: Any) -> Parameter:
    wanted = next((record for record in _RECORDS if record.__name__ == template.type), None)
    if wanted is None:
        raise TemplateError(f"fhir/records.py has no read model for {template.type}")
    plain = wanted if template.is_read else list[wanted]  # type: ignore[valid-type]
    if not template.is_read and not hasattr(wanted, "subject"):
        raise TemplateError(f"a {template.type} does not say whose it is, so it is only read by id")
    if template.is_read and wanted is Patient and template.id != "{{context.patientId}}":
        raise TemplateError("the patient is Patient/{{context.patientId}}")
    if hint == plain:
        return Parameter(name, template, wanted, needed=True)
    if _without_none(hint) == (plain,):
        return Parameter(name, template, wanted, needed=False)
    shape = wanted.__name__ if template.is_read else f"list[{wanted.__name__}]"
    raise TemplateError(f"its parameter is annotated {shape} or {shape} | None")


def _without_none(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) not in (types.UnionType, typing.Union):
        return (hint,)
    return tuple(each for each in typing.get_args(hint) if each is not types.NoneType)


def _takes(hint: Any, contexts: list[type[Context]]) -> bool:
    accepted = tuple(each for each in _without_none(hint) if isinstance(each, type))
    return bool(accepted) and all(issubclass(context, accepted) for context in contexts)


def _file(function: Callable[..., Any]) -> str:
    return inspect.getsourcefile(function) or function.__module__
