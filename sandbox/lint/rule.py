"""A rule, and how rules are applied."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sandbox.lint.report import LintFinding, Report, Severity

Broken = Iterator[tuple[str, str]]
"""Where a rule is broken, as a path from the subject or "", and what is wrong there."""

_S = TypeVar("_S")

# A document with one mistake in a thousand places is told of it often enough.
_MOST = 20


@dataclass(frozen=True)
class Rule:
    """`number` and `severity` as in LintFinding, `wants` is what it wants, a sentence."""

    name: str
    number: str
    severity: Severity
    wants: str
    broken: Callable[[Any], Broken]


def rule(number: str, severity: Severity, wants: str) -> Callable[[Callable[[_S], Broken]], Rule]:
    """Makes a rule of a function that finds where its subject breaks it."""

    def made(broken: Callable[[_S], Broken]) -> Rule:
        name = f"{broken.__module__.rpartition('.')[2]}.{broken.__name__}"
        return Rule(name, number, severity, wants, broken)

    return made


@dataclass
class Judgement:
    """Gathers what rules find."""

    _findings: list[LintFinding] = field(default_factory=list)
    _applied: set[str] = field(default_factory=set)
    _times: Counter[str] = field(default_factory=Counter)

    def judge(
        self, subject: Any, path: str, rules: Iterable[Rule], *, where_sound: bool = False
    ) -> None:
        """Applies rules to a subject that is at this path.

        `where_sound`: a place in which something else is wrong already is told once.
        """
        told = {each.path for each in self._findings} if where_sound else set()
        for each in rules:
            self._applied.add(each.name)
            if self._times[each.name] == _MOST:
                continue
            for where, what in each.broken(subject):
                if (place := joined(path, where)) not in told:
                    self._add(each, place, what)
                if self._times[each.name] == _MOST:
                    break

    def _add(self, broken: Rule, place: str, what: str) -> None:
        self._times[broken.name] += 1
        text = f"{what} {broken.wants}"
        if self._times[broken.name] == _MOST:
            text += " Further places are not told."
        self._findings.append(LintFinding(broken.severity, broken.number, place, text))

    @property
    def report(self) -> Report:
        """All that was found."""
        return Report(tuple(self._findings), len(self._applied - set(self._times)))


def joined(path: str, where: str) -> str:
    """The path of what is at `where` below `path`."""
    if not where or not path or path == "$":
        return where or path
    return path + where if where.startswith("[") else f"{path}.{where}"


def step(key: str) -> str:
    """A key of an object as part of a path."""
    short = key if len(key) <= 60 else key[:60] + "…"
    return short if short.replace("-", "_").isidentifier() else f"[{short!r}]"


def quoted(text: str) -> str:
    """Somebody else's text in a finding: on one line, and not long."""
    return repr(text if len(text) <= 80 else text[:80] + "…")
