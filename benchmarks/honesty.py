"""How accurate and how honest derivatives with an error estimate are, on drawn cases with mpmath as truth.

    python benchmarks/honesty.py [--cases 5000] [--seed 0] [--n 1 2 3 4] [--engines NAME ...] [--markdown] [--worst 20]
    python benchmarks/honesty.py --race      # the public functions beside this repository, too

An engine is `engine(f, x, n) -> (value, error, ok)`, a text for its status may follow. One that is not listed here runs
by `--engines module:function`, or by `summary(run(engine, n, drawn.cases(0, 5000)))`. `replay(seed, index)` is the case
of a line under "worst": `case.f`, `case.x`, `case.truth(n)`.

Columns
    digits       -log10(relative error), 0 to 16: median and 10th percentile
    f            mean number of points of f
    given        share of finite error estimates
    covered      share of those that hold: true error <= reported error + 4e-16 * abs(truth); "if ok" where it succeeded
    tight        median of reported / true error
    silent       fewer than 3 digits, and no sign of it: success, and an error below 1e-4 of the truth, or none
    ok           share of success
    rounding     median rounding error of f near x over eps * abs(f); the row "well-conditioned" has those up to 8

Without a derivative (a kink, a jump at x) an answer is silent when it claims success and its error is smaller than the
distance to the farther one-sided derivative, infinite where a lower derivative jumps.
"""

import argparse
import importlib
import importlib.util
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[0] = str(ROOT)  # was this folder

from benchmarks import drawn, engines, report, timing  # noqa: E402

Answer = tuple[Any, ...]  # value, error, ok, and maybe a status
Engine = Callable[[Callable[[Any], Any], Any, int], Answer]
WELL_CONDITIONED = 8.0
RACE = ROOT.parent / "shared" / "race" / "functions.py"


# --- engines ---------------------------------------------------------------------------------------------------------


def fastcalc(f: Callable[[Any], Any], x: Any, n: int) -> Answer:
    import fastcalc as fc

    r = fc.derivative(f, np.float64(x), n, full_output=True)
    return r.value, r.error, r.success, fc.Status(int(r.status)).name


def numdifftools(f: Callable[[Any], Any], x: Any, n: int) -> Answer:
    r = engines.load("numdifftools").Derivative(f, n=n, full_output=True)(x)
    return r.estimate, r.error_estimate, True


def scipy(f: Callable[[Any], Any], x: Any, n: int) -> Answer:
    r = engines.load("scipy.differentiate").derivative(f, np.float64(x))
    return r.df, r.error, r.success, str(r.status)


def jacobi(f: Callable[[Any], Any], x: Any, n: int) -> Answer:
    return (*engines.load("jacobi").jacobi(f, x), True)


ENGINES: dict[str, Engine] = {"fastcalc": fastcalc, "numdifftools": numdifftools, "scipy": scipy, "jacobi": jacobi}
PACKAGES = {"numdifftools": "numdifftools", "scipy": "scipy.differentiate", "jacobi": "jacobi"}
FIRST_ONLY = {"scipy", "jacobi"}


# --- runs ------------------------------------------------------------------------------------------------------------


class Subject(Protocol):
    """What an engine is judged on: `drawn.Case`, or a public function."""

    @property
    def family(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def x(self) -> float: ...
    @property
    def index(self) -> int: ...
    @property
    def amplification(self) -> float: ...
    def f(self, x: Any) -> Any: ...
    def truth(self, n: int) -> float | None: ...
    def size(self, n: int) -> float: ...
    def discrepancy(self, n: int, value: float) -> float: ...


@dataclass(frozen=True)
class Record:
    """An answer and what it is worth."""

    case: Subject
    n: int
    value: float
    error: float
    ok: bool
    status: str
    evaluations: int
    truth: float | None  # None: there is none
    miss: float  # distance to the truth, or to the farther one-sided derivative
    digits: float
    covered: bool
    silent: bool

    @property
    def given(self) -> bool:
        return math.isfinite(self.error)

    @property
    def tightness(self) -> float:
        """Reported over true error."""
        return self.error / max(self.miss, 1e-17 * ((self.truth and abs(self.truth)) or self.case.size(self.n)))

    @property
    def excess(self) -> float:
        """True over reported error; infinite where one of them is unknown."""
        ratio = self.miss / self.error if self.error > 0 else math.inf
        return math.inf if math.isnan(ratio) else ratio


def judge(case: Subject, n: int, answer: Answer, evaluations: int) -> Record:
    """Compare an answer with the truth."""
    value, error = (float(np.squeeze(part)) for part in answer[:2])
    ok, status = bool(answer[2]), str(answer[3]) if len(answer) > 3 else ""
    truth = case.truth(n)
    if truth is None:
        miss = case.discrepancy(n, value)
        silent = ok and math.isfinite(value) and error < miss
        return Record(case, n, value, error, ok, status, evaluations, None, miss, 0.0, error >= miss, silent)
    miss = abs(value - truth)
    relative = miss / (abs(truth) or case.size(n))
    digits = float(np.clip(-math.log10(max(relative, 1e-16)), 0.0, 16)) + 0.0 if math.isfinite(relative) else 0.0
    covered = miss <= error + 4e-16 * abs(truth)
    silent = digits < 3 and ok and not (math.isfinite(error) and error > 1e-4 * abs(truth))
    return Record(case, n, value, error, ok, status, evaluations, truth, miss, digits, covered, silent)


def run(contender: Engine, n: int, cases: Iterable[Subject]) -> list[Record]:
    """Answers of an engine to all cases; an exception is no answer."""
    records = []
    with timing.quiet():
        for case in cases:
            count = [0]

            def counted(t: Any, case: Subject = case, count: list[int] = count) -> Any:
                count[0] += np.size(t)
                return case.f(t)

            try:
                answer = contender(counted, case.x, n)
                records.append(judge(case, n, answer, count[0]))
            except Exception as failure:
                answer = (math.nan, math.nan, False, f"{type(failure).__name__}: {failure}")
                records.append(judge(case, n, answer, count[0]))
    return records


def engine(name: str) -> Engine | None:
    """One that is listed, or `module:function`; None if its package is missing."""
    if ":" in name:
        module, _, function = name.partition(":")
        found: Engine = getattr(importlib.import_module(module), function)
        return found
    return ENGINES[name] if name not in PACKAGES or engines.load(PACKAGES[name]) is not None else None


def replay(seed: int, index: int) -> drawn.Case:
    """The case of that number."""
    return drawn.draw(seed, index)


# --- tables ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Summary:
    """The columns of the table; shares between 0 and 1, NaN where there is nothing to count."""

    cases: int
    digits: float
    digits_10: float
    evaluations: float
    given: float
    covered: float
    covered_ok: float
    tightness: float
    silent: int
    ok: float
    rounding: float


COLUMNS = ("cases", "digits", "10%", "f", "given", "covered", "if ok", "tight", "silent", "ok", "rounding")
COLUMNS_BROKEN = ("cases", "f", "given", "covered", "silent", "ok")


def summary(records: Sequence[Record]) -> Summary:
    """Of those that have a truth."""
    kept = [r for r in records if r.truth is not None]
    given = [r for r in kept if r.given]
    return Summary(
        cases=len(kept),
        digits=_of(np.median, [r.digits for r in kept]),
        digits_10=_of(lambda v: np.percentile(v, 10), [r.digits for r in kept]),
        evaluations=_of(np.mean, [r.evaluations for r in kept]),
        given=_of(np.mean, [r.given for r in kept]),
        covered=_of(np.mean, [r.covered for r in given]),
        covered_ok=_of(np.mean, [r.covered for r in given if r.ok]),
        tightness=_of(np.median, [r.tightness for r in given]),
        silent=sum(r.silent for r in kept),
        ok=_of(np.mean, [r.ok for r in kept]),
        rounding=_of(np.median, [r.case.amplification for r in kept if not math.isnan(r.case.amplification)]),
    )


def _of(statistic: Callable[[Any], Any], values: Sequence[float]) -> float:
    return float(statistic(values)) if values else math.nan


def table(title: str, records: Sequence[Record], *, markdown: bool) -> str:
    """All, the well-conditioned, and each family; below, what has no derivative."""
    kept = [r for r in records if r.truth is not None]
    rows = [[title, *COLUMNS], _row("all", kept)]
    names = list(dict.fromkeys(r.case.family for r in records))
    order = [name for name in drawn.FAMILIES if name in names] or names
    if len(order) > 1:
        rows.append(_row("well-conditioned", [r for r in kept if r.case.amplification <= WELL_CONDITIONED]))
        rows += [_row(name, part) for name in order if (part := [r for r in kept if r.case.family == name])]
    text = report.aligned(rows, markdown=markdown) + "\n"
    broken = [r for r in records if r.truth is None]
    if broken:
        rows = [[f"{title}, no derivative", *COLUMNS_BROKEN], _row_broken("all", broken)]
        rows += [_row_broken(name, part) for name in order if (part := [r for r in broken if r.case.family == name])]
        text += "\n" + report.aligned(rows, markdown=markdown) + "\n"
    return text


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.1f}%" if value < 0.9995 else f"{100 * value:.2f}%"


def _row(name: str, records: Sequence[Record]) -> list[str]:
    s = summary(records)
    return [
        name, str(s.cases), f"{s.digits:.2f}", f"{s.digits_10:.2f}", f"{s.evaluations:.1f}", _share(s.given),
        _share(s.covered), _share(s.covered_ok), f"{s.tightness:.3g}x", str(s.silent), _share(s.ok),
        f"{s.rounding:.1f}",
    ]  # fmt: skip


def _row_broken(name: str, records: Sequence[Record]) -> list[str]:
    return [
        name, str(len(records)), f"{_of(np.mean, [r.evaluations for r in records]):.1f}",
        _share(_of(np.mean, [r.given for r in records])),
        _share(_of(np.mean, [r.covered for r in records if r.given])),
        str(sum(r.silent for r in records)), _share(_of(np.mean, [r.ok for r in records])),
    ]  # fmt: skip


def worst(records: Sequence[Record], count: int) -> str:
    """Errors that do not hold and silent answers, the farthest from what was reported first."""
    kinds = (
        ("whose error does not hold or that are silent", [
            r for r in records if r.truth is not None and (r.silent or (r.given and not r.covered))
        ]),
        ("silent where there is no derivative", [r for r in records if r.truth is None and r.silent]),
    )  # fmt: skip
    lines = []
    for title, wrong in kinds:
        if not wrong:
            continue
        lines.append(f"worst of {len(wrong)} {title}, by true / reported error, those with success first")
        for r in sorted(wrong, key=lambda r: (not r.ok, math.isnan(r.value), -r.excess, r.case.index))[:count]:
            lines += _described(r)
    return "\n".join(lines or ["every error holds"]) + "\n"


def _described(r: Record) -> list[str]:
    case = r.case
    truth = f"truth {r.truth!r}"
    if isinstance(case, drawn.Case) and r.truth is None:
        truth = "from the left {!r}, from the right {!r}".format(*case.ends[r.n])
    seed = f"replay({case.seed}, {case.index})" if isinstance(case, drawn.Case) else f"{case.index}"
    marks = ["ok" if r.ok else "no success", r.status, f"{r.evaluations} points", f"rounding {case.amplification:.2g}"]
    return [
        f"  {case.family} {seed}: n = {r.n}, x = {case.x!r}{', ' + case.about if case.about else ''}",
        f"      f = {case.text}",
        f"      value {r.value!r}, {truth}, digits {r.digits:.1f}{', SILENT' if r.silent else ''}",
        f"      true {r.miss:.3g} / reported {r.error:.3g} = {r.excess:.3g}; {', '.join(filter(None, marks))}",
    ]


# --- the public functions --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Public:
    """A public function at a point, with its derivatives by their number."""

    text: str
    f: Callable[[Any], Any]
    x: float
    exact: dict[int, float]
    index: int
    family: str = "public"
    about: str = ""
    amplification: float = math.nan

    def truth(self, n: int) -> float:
        return self.exact[n] if abs(self.exact[n]) > 1e-40 else 0.0  # below: noise of the reference

    def size(self, n: int) -> float:
        return 1.0

    def discrepancy(self, n: int, value: float) -> float:
        return abs(value - self.truth(n))


def public() -> list[Public] | None:
    """The public functions, None where they are missing."""
    if not RACE.exists():
        return None
    spec = importlib.util.spec_from_file_location("public_functions", RACE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [Public(name, f, x, exact, k) for k, (name, f, x, exact) in enumerate(module.points())]


# --- the command -----------------------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """Draw, run, print as it goes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--cases", type=int, default=5000, metavar="COUNT", help="and a tenth more that have a break")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n", type=int, nargs="+", default=[1, 2, 3, 4], choices=range(1, drawn.ORDERS + 1))
    parser.add_argument(
        "--engines", nargs="+", default=["fastcalc"], metavar="NAME", help=f"{', '.join(ENGINES)}, module:function"
    )
    parser.add_argument("--family", nargs="+", choices=drawn.FAMILIES, metavar="NAME", help="only these")
    parser.add_argument("--markdown", action="store_true", help="tables in Markdown")
    parser.add_argument("--worst", type=int, default=0, metavar="COUNT", help="list what does not hold")
    parser.add_argument("--race", action="store_true", help="the public functions, too")
    options = parser.parse_args(arguments)

    chosen: dict[str, Engine] = {}
    for name in options.engines:
        if ":" not in name and name not in ENGINES:
            parser.error(f"no engine is called {name!r}; there are {', '.join(ENGINES)} and module:function")
        found = engine(name)
        if found is None:
            print(f"- {name}: not installed")
        else:
            chosen[name] = found
    cases = drawn.cases(options.seed, options.cases)
    cases = [case for case in cases if not options.family or case.family in options.family]
    sets: list[tuple[str, Sequence[Subject]]] = [("drawn", cases)]
    if options.race:
        functions = public()
        if functions is None:
            print("- public functions: skipped, there is no ../shared/race/functions.py beside this repository")
        else:
            sets.append(("public", functions))
    for title, subjects in sets:
        for n in options.n:
            for name, contender in chosen.items():
                if n > 1 and name in FIRST_ONLY:
                    continue
                records = run(contender, n, subjects)
                print(table(f"{name}, n={n}, {title}", records, markdown=options.markdown), flush=True)
                if options.worst:
                    print(worst(records, options.worst), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
