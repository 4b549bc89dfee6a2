"""Everything on: a server in production mode, with a new token for every call.

Each call proves who makes it (known key), is checked for replay, and is recorded with its card.
Against the bare view, with one worker; what each part of that takes; two workers against one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from os import cpu_count
from pathlib import Path
from statistics import median

from benchmarks import costs, lineup, measure, servers
from benchmarks.lineup import CLINICAL, Comparison
from benchmarks.measure import Contender, Samples, of, ratios
from benchmarks.site import COUNT, POSTGRESQL, SQLITE, Site, postgresql
from benchmarks.table import Row, at_least, show
from benchmarks.throughput import NOTE, noise

SIZE = "100 kB"
_ONE, _MANY = 1, 16
_SHARE_OF_BARE = {"RS384": 0.5}
_TIMES_ONE = 1.7
_ALL = "+ record (everything on)"
_IN_POSTGRESQL = "everything on, PostgreSQL"


def run(folder: Path, rounds: int, seconds: float) -> None:
    """Measure all and print what was found."""
    with postgresql() as cluster, ExitStack() as stack:
        site = Site(stack, folder, cluster)
        pairs = _pairs(site, stack, folder)
        steps = _steps(site, stack, folder, pairs["RS384", CLINICAL].ours)
        two = _two(site, stack, folder, pairs["RS384", CLINICAL].other, steps)
        several = [each for pair in pairs.values() for each in (pair.ours, pair.other)]
        several += steps.values()
        samples = measure.rounds(_distinct(several), [SIZE], [_ONE, _MANY], rounds, seconds)
        several = [each for pair in two.values() for each in (pair.ours, pair.other)]
        scaled = measure.rounds(_distinct(several), [SIZE], [_MANY], rounds, seconds)
        taken = costs.taken({kind: site.url(kind) for kind in site.databases}, 250 * rounds)
        recorded = site.recorded()
    checks = {algorithm: costs.signature_check(algorithm) for algorithm, _ in pairs}
    show(
        "Everything on / bare Flask view: production mode, one worker, 100 kB, known key, SQLite",
        f"{NOTE}; check: of the signature alone, in process, us CPU",
        _PAIR_HEADER,
        [
            _pair_row(algorithm, pair, open_, samples, checks[algorithm])
            for open_ in (_ONE, _MANY)
            for (algorithm, _), pair in pairs.items()
        ],
    )
    show(
        f"What each part takes: {CLINICAL}, RS384, one worker, 100 kB",
        "medians; added: to the row above; p50 of one connection; database: the CPU of PostgreSQL",
        ("", "us CPU, 1", "added", "us CPU, 16", "added", "p50 ms", "added", "us database, 1"),
        list(_step_rows(steps, samples)),
    )
    costs.tell(taken)
    show(
        f"Two workers / one: {CLINICAL}, RS384, 100 kB, {_MANY} connections",
        f"{NOTE}\n"
        f"The client and PostgreSQL take part of the {cpu_count()} processors. By CPU: what two "
        "processors of their own would make of it.",
        _TWO_HEADER,
        [_two_row(name, pair, scaled) for name, pair in two.items()],
    )
    print(f"\nCalls recorded, by database and workers: {recorded}.")
    noise([*samples.values(), *scaled.values()])


def _pairs(site: Site, stack: ExitStack, folder: Path) -> dict[tuple[str, str], Comparison]:
    """Both services with both kinds of key, by key and service."""
    server = site.server()
    ours = {
        (algorithm, service): site.contender(
            f"{service} {algorithm}", server, service=service, algorithm=algorithm
        )
        for algorithm in ("RS384", "ES384")
        for service in (CLINICAL, COUNT)
    }
    lineup.check_count(ours["RS384", COUNT], SIZE)
    _check_replay(ours["RS384", CLINICAL])
    both = [ours["RS384", service] for service in (CLINICAL, COUNT)]
    bare = {each.service: each for each in lineup.plain(stack, folder, both)}
    return {key: Comparison(our, bare[key[1]]) for key, our in ours.items()}


def _check_replay(contender: Contender) -> None:
    """Raise RuntimeError where a token can be used twice."""
    assert contender.stock
    token, body = contender.stock.one(), contender.bodies[SIZE].read_bytes()
    contender.server.post(contender.service, body, token)
    try:
        contender.server.post(contender.service, body, token)
    except RuntimeError:
        return
    raise RuntimeError("a token was accepted twice")


def _steps(
    site: Site, stack: ExitStack, folder: Path, everything: Contender
) -> dict[str, Contender]:
    """From nothing on to everything."""
    alone = stack.enter_context(servers.granian("Chartside", "benchmarks.services:alone", folder))
    signature, replay = site.server(off="record replay"), site.server(off="record")
    steps = {
        "nothing on": site.contender("nothing on", alone, algorithm=None),
        "+ signature": site.contender("signature", signature),
        "+ replay check": site.contender("signature, replay", replay),
        _ALL: everything,
    }
    if POSTGRESQL in site.databases:
        server = site.server(POSTGRESQL)
        steps[_IN_POSTGRESQL] = site.contender(_IN_POSTGRESQL, server, kind=POSTGRESQL)
    return steps


def _two(
    site: Site, stack: ExitStack, folder: Path, bare: Contender, steps: Mapping[str, Contender]
) -> dict[str, Comparison]:
    """Two workers, and one as the other; the bare view tells what this machine allows."""
    everything = steps[_ALL]
    (plain,) = lineup.plain(stack, folder, [everything], workers=2)
    pairs = {"bare Flask view": Comparison(replace(plain, name="bare, two"), bare)}
    for kind in site.databases:
        server = site.server(kind, workers=2)
        double = site.contender(f"two, {kind}", server, kind=kind)
        single = everything if kind == SQLITE else steps[_IN_POSTGRESQL]
        pairs[f"everything on, {kind}"] = Comparison(double, single)
    return pairs


def _distinct(contenders: list[Contender]) -> list[Contender]:
    return list({each.name: each for each in contenders}.values())


_PAIR_HEADER = (
    *("service, key, connections", "ours/s", "bare/s", "ratio", "rounds", "us CPU ours", "bare"),
    *("ratio", "check", "p50 ms", "p99 ms"),
)
_TWO_HEADER = (
    *("", "two/s", "one/s", "times", "rounds", "us CPU two", "one", "times by CPU"),
    *("client", "database"),
)


def _pair_row(
    algorithm: str, pair: Comparison, connections: int, samples: Samples, check: float
) -> Row:
    ours, bare = (samples[each.name, SIZE, connections] for each in (pair.ours, pair.other))
    rates, target = ratios(ours, bare), _SHARE_OF_BARE.get(algorithm)
    rate = median(rates)
    return (
        f"{pair.ours.name}, {connections}",
        f"{of(ours, 'rate'):,.0f}",
        f"{of(bare, 'rate'):,.0f}",
        at_least(rate, target) if target else f"{rate:.2f}",
        f"{min(rates):.2f}-{max(rates):.2f}",
        f"{of(ours, 'cpu') * 1e6:,.0f}",
        f"{of(bare, 'cpu') * 1e6:,.0f}",
        f"{median(ratios(bare, ours, 'cpu')):.2f}",
        f"{check * 1e6:,.0f}",
        f"{of(ours, 'p50'):.2f}",
        f"{of(ours, 'p99'):.2f}",
    )


def _step_rows(steps: Mapping[str, Contender], samples: Samples) -> Iterator[Row]:
    above: tuple[float, ...] | None = None
    for name, contender in steps.items():
        alone, many = (samples[contender.name, SIZE, open_] for open_ in (_ONE, _MANY))
        figures = of(alone, "cpu") * 1e6, of(many, "cpu") * 1e6, of(alone, "p50")
        # What takes another's place is compared with what the other was added to.
        added = [f"{now - then:+.2f}" for now, then in zip(figures, above or figures, strict=True)]
        one, sixteen, p50 = figures
        yield (
            name,
            *(f"{one:,.0f}", added[0].partition(".")[0] if above else ""),
            *(f"{sixteen:,.0f}", added[1].partition(".")[0] if above else ""),
            *(f"{p50:.2f}", added[2] if above else ""),
            f"{of(alone, 'database') * 1e6:,.0f}" if contender.database else "",
        )
        above = figures


def _two_row(name: str, pair: Comparison, samples: Samples) -> Row:
    two, one = (samples[each.name, SIZE, _MANY] for each in (pair.ours, pair.other))
    rates = ratios(two, one)
    return (
        name,
        f"{of(two, 'rate'):,.0f}",
        f"{of(one, 'rate'):,.0f}",
        at_least(median(rates), _TIMES_ONE),
        f"{min(rates):.2f}-{max(rates):.2f}",
        f"{of(two, 'cpu') * 1e6:,.0f}",
        f"{of(one, 'cpu') * 1e6:,.0f}",
        f"{2 * median(ratios(one, two, 'cpu')):.2f}",
        f"{of(two, 'client') * 1e6:,.0f}",
        f"{of(two, 'database') * 1e6:,.0f}" if pair.ours.database else "",
    )
