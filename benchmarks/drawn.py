"""Cases for derivatives with an error estimate, drawn at random: a function, a point, and the true derivatives 1 to 4.

A function is a text such as ``exp(-0.5*x)/(1 + x**2)`` that is evaluated with NumPy's names for the engines and with
mpmath's for the truth, so that both are one mathematical function, constants included: mpmath takes over floats and
integers exactly. Each case depends on ``(seed, index)`` alone. Every eleventh is one that has no derivative, or a break
close to ``x``; these come on top of the number asked for.

The truth is a central difference over ``x + (-2, -1, 0, 1, 2) h`` in 180 digits, h = 1e-30 of the case's width, and
holds where h = 1e-35 in 200 digits agrees to 20 digits; other candidates are drawn again.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import math
import os
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mpmath  # type: ignore[import-untyped]
import numpy as np
from mpmath import mp

ORDERS = 4
EXTRA = 11  # every eleventh case has a break
Generator = np.random.Generator


def real(function: Callable[[Any], Any], limit: float = 1e15) -> Callable[[Any], Any]:
    """For real numbers of moderate size: outside, mpmath goes on with complex ones, or with millions of digits."""

    def checked(x: Any) -> Any:
        if not isinstance(x, mp.mpf) or abs(x) > limit:
            raise ValueError("not real, or too large")
        return function(x)

    return checked


NUMPY_ONLY = "where floor round maximum"
NAMES = "exp expm1 log log1p sqrt cbrt sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arctanh"
NUMPY = {name: getattr(np, name) for name in f"{NAMES} {NUMPY_ONLY}".split()}
MPMATH = {
    name: real(getattr(mp, name.replace("arc", "a")), 1e4 if name in ("exp", "expm1", "sinh", "cosh", "tanh") else 1e20)
    for name in NAMES.split()
}


@functools.lru_cache(1 << 12)
def compiled(text: str, *, precise: bool) -> Callable[[Any], Any]:
    """The function of x that a text stands for."""
    function: Callable[[Any], Any] = eval(f"lambda x: {text}", MPMATH if precise else NUMPY)
    return function


# --- cases -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A function at a point.

    `ends[n]` are the n-th derivatives from the left and from the right, equal where there is a derivative, infinite
    where a lower one already jumps. `sizes[n]` is what an n-th derivative that is zero is compared with.
    """

    seed: int
    index: int
    family: str
    text: str
    x: float
    width: float  # over which the function changes
    left: str  # the analytic functions on both sides of x: `text` itself unless there is a break
    right: str
    noise: float = 0.0
    kind: str = ""  # of noise: relative, additive, float32, rounded
    unit: float = 1.0  # of additive noise
    amplification: float = math.nan  # rounding error of f near x over eps * abs(f); NaN with a break at x
    ends: tuple[tuple[float, float], ...] = ()
    sizes: tuple[float, ...] = ()

    @property
    def smooth(self) -> bool:
        """Whether one analytic function is on both sides."""
        return self.left == self.right != ""

    @property
    def about(self) -> str:
        """What is done to the values."""
        return f"{self.kind} noise {self.noise:.1e}" if self.noise else self.kind

    def f(self, x: Any) -> Any:
        """The function for NumPy, noise included."""
        x = np.asarray(x, dtype=np.float64)
        with np.errstate(all="ignore"):
            y = compiled(self.text, precise=False)(x.astype(np.float32) if self.kind == "float32" else x)
            if self.kind in ("float32", "rounded"):
                y = np.asarray(y).astype(np.float32)
            y = np.asarray(y, dtype=np.float64)
            if self.kind == "relative":
                y = y * (1 + self.noise * hashed(x))
            elif self.kind == "additive":
                y = y + self.noise * self.unit * hashed(x)
        return y[()]

    def precise(self, x: Any) -> Any:
        """The function for mpmath, without noise; of a break what is to the right of it."""
        return compiled(self.right, precise=True)(x)

    def truth(self, n: int) -> float | None:
        """The n-th derivative, None where there is none."""
        left, right = self.ends[n]
        return left if left == right else None

    def size(self, n: int) -> float:
        """What counts as one where the truth is zero."""
        return self.sizes[n]

    def discrepancy(self, n: int, value: float) -> float:
        """How far a value is from the farther one-sided derivative."""
        return max(abs(value - end) for end in self.ends[n])


def hashed(x: Any) -> Any:
    """Noise in [-1, 1) that depends on the bits of x alone (splitmix64)."""
    z = np.array(np.asarray(x, dtype=np.float64) + 0.0, ndmin=1).view(np.uint64)  # + 0.0: one zero
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (((z ^ (z >> np.uint64(31))) >> np.uint64(11)) * 2.0**-52 - 1.0).reshape(np.shape(x))


def draw(seed: int, index: int) -> Case:
    """The case of that number."""
    rng = np.random.default_rng([seed, index])
    names = BROKEN if index % EXTRA == EXTRA - 1 else SMOOTH
    weights = np.array(list(names.values()))
    family = list(names)[rng.choice(len(names), p=weights / weights.sum())]
    for _ in range(10_000):
        try:
            with np.errstate(all="ignore"):
                candidate = FAMILIES[family](rng)
        except UndefinedError:
            continue
        complete = with_truth(replace(candidate, seed=seed, index=index, family=family))
        if complete is not None:
            return complete
    raise RuntimeError(f"no case of the family {family!r} has a truth")


def cases(seed: int, count: int, *, cache: bool = True) -> list[Case]:
    """The first `count` cases with a tenth more that have a break, kept in the user's cache folder."""
    total = count + count // (EXTRA - 1)
    key = hashlib.sha256(Path(__file__).read_bytes() + f"{seed} {total} {mpmath.__version__}".encode()).hexdigest()
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    path = home / "fastcalc-benchmarks" / f"drawn-{key[:24]}.pickle"
    if cache and path.exists():
        stored: list[Case] = pickle.loads(path.read_bytes())
        return stored
    drawn = [draw(seed, index) for index in range(total)]
    if cache:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        part.write_bytes(pickle.dumps(drawn))
        part.replace(path)
    return drawn


# --- truth -----------------------------------------------------------------------------------------------------------


def with_truth(case: Case) -> Case | None:
    """The case with its derivatives, None where they are not certain, not finite or all zero."""
    found = [derivatives(text, case.x, case.width) if text else None for text in dict.fromkeys((case.left, case.right))]
    if None in found and case.left:
        return None
    with np.errstate(all="ignore"):
        if not (math.isfinite(case.f(case.x)) and math.isfinite(compiled(case.text, precise=False)(case.x))):
            return None
    if not case.left:  # a cusp
        infinite = (-math.inf, math.inf)
        return replace(case, ends=(infinite,) * (ORDERS + 1), sizes=(1.0,) * (ORDERS + 1))
    left, right = found[0], found[-1]
    assert left is not None
    assert right is not None
    ends: list[tuple[float, float]] = []
    for n in range(ORDERS + 1):
        broken = any(a != b for a, b in ends)
        ends.append((-math.inf, math.inf) if broken else (left[n], right[n]))
    if case.family != "plateau" and not any(left[1:] + right[1:]):
        return None
    if any(value and not 1e-200 < abs(value) < 1e200 for value in left + right):
        return None
    sizes = [
        max(abs(v) * case.width ** (k - n) for k, v in enumerate(left + right) if k % (ORDERS + 1))
        for n in range(ORDERS + 1)
    ]
    if case.family == "plateau":
        sizes = [case.unit * case.width**-n for n in range(ORDERS + 1)]
    amplification = rounding(case) if case.smooth else math.nan
    return replace(case, ends=tuple(ends), sizes=tuple(sizes), amplification=amplification)


def derivatives(text: str, x: float, width: float) -> list[float] | None:
    """Derivatives 0 to 4, None where two steps do not agree."""
    try:
        first, second = (differences(text, x, width, places) for places in (30, 35))
    except (ZeroDivisionError, ValueError, OverflowError, TypeError):
        return None
    near = min(width, abs(x)) or width  # a pole at 0 makes the higher derivatives huge
    sizes = [
        max(abs(v) * (near if k > n else width) ** (k - n) for k, v in enumerate(first) if k) for n in range(ORDERS + 1)
    ]
    values = []
    for n, (a, b) in enumerate(zip(first, second, strict=True)):
        if n and abs(a) <= 1e-40 * sizes[n] and abs(b) <= 1e-40 * sizes[n]:
            values.append(0.0)
        elif abs(a - b) <= 1e-20 * abs(a):
            values.append(float(a))
        else:
            return None
    return values


def differences(text: str, x: float, width: float, places: int) -> list[Any]:
    """Derivatives 0 to 4 by central differences with a step of 10**-places widths."""
    with mp.workdps(4 * places + 60):
        h = mp.mpf(width) / mp.mpf(10) ** places
        f = compiled(text, precise=True)
        values = [mp.mpf(f(mp.mpf(x) + k * h)) for k in (-2, -1, 0, 1, 2)]  # TypeError where complex
        a, b, c, d, e = values
        return [
            c,
            (a - 8 * b + 8 * d - e) / (12 * h),
            (-a + 16 * b - 30 * c + 16 * d - e) / (12 * h**2),
            (-a + 2 * b - 2 * d + e) / (2 * h**3),
            (a - 4 * b + 6 * c - 4 * d + e) / h**4,
        ]


def rounding(case: Case) -> float:
    """The largest rounding error of f at x and four points beside it, over eps * abs(f)."""
    worst = 0.0
    f = compiled(case.text, precise=False)
    width = min(case.width, abs(case.x)) if case.x else case.width
    with mp.workdps(60), np.errstate(all="ignore"):
        for move in (0, 1e-10, -1e-10, 3e-9, -7e-9):
            at = np.float64(case.x + move * width)
            value = float(f(at))
            try:
                exact = mp.mpf(case.precise(mp.mpf(float(at))))
                error = abs(mp.mpf(value) - exact) if math.isfinite(value) else mp.inf
            except (ZeroDivisionError, ValueError, OverflowError, TypeError):
                continue  # beyond the end of the domain
            if error:
                worst = max(worst, float(error / abs(exact)) / 2.0**-52 if exact else math.inf)
    return worst


# --- expressions -----------------------------------------------------------------------------------------------------

UNARY = (  # {0}: an expression with a value between the two limits
    ("exp({0})", -8, 8), ("expm1({0})", -2, 2), ("log({0})", 0.01, 50), ("log1p({0})", -0.9, 20),
    ("sqrt({0})", 0.01, 50), ("sin({0})", -8, 8), ("cos({0})", -8, 8), ("tan({0})", -1.4, 1.4),
    ("arctan({0})", -8, 8), ("arcsin({0})", -0.95, 0.95), ("arccos({0})", -0.95, 0.95), ("sinh({0})", -5, 5),
    ("cosh({0})", -5, 5), ("tanh({0})", -3, 3), ("arcsinh({0})", -20, 20), ("arctanh({0})", -0.9, 0.9),
    ("exp(-{0}**2)", -3, 3), ("(1/(1 + exp(-{0})))", -10, 10), ("(1/(1 + {0}**2))", -6, 6),
    ("log1p(exp({0}))", -10, 10), ("(1/{0})", 0.05, 20), ("(1/{0}**2)", 0.1, 10), ("{0}**2", -10, 10),
    ("{0}**3", -5, 5), ("(1/sqrt({0}))", 0.05, 20), ("{0}**1.5", 0.05, 20), ("{0}**-0.7", 0.05, 20),
)  # fmt: skip
BINARY = (  # {0}, {1}: expressions, {c}: a number; the limits are those of {1}
    ("({0} + {c}*{1})", -1e3, 1e3), ("({0} - {1})", -1e3, 1e3), ("({0}*{1})", -1e2, 1e2), ("({0}/{1})", 0.1, 10),
    ("sqrt({0}**2 + {1}**2)", 0.1, 10), ("({1}**2 + 0.3)**sin({0})", -3, 3),
)  # fmt: skip


def shown(value: float, digits: int = 3) -> str:
    """A number of few digits as it stands in an expression."""
    return literal(float(f"{value:.{digits - 1}e}"))


def literal(value: float) -> str:
    return repr(float(value)) if value >= 0 else f"({float(value)!r})"


def power_of_ten(rng: Generator, low: float, high: float) -> float:
    return float(10.0 ** rng.uniform(low, high))


def signed(rng: Generator, value: float) -> float:
    return value if rng.random() < 0.5 else -value


class UndefinedError(Exception):
    """The expression has no finite value at x."""


@dataclass
class Grower:
    """Draws expressions of `leaf` that are defined at x."""

    rng: Generator
    x: float
    leaf: str = "x"

    def value(self, text: str) -> float:
        return float(compiled(text, precise=False)(np.float64(self.x)))

    def into(self, text: str, low: float, high: float) -> str:
        """Scaled or shifted so that its value at x is between the limits."""
        value = self.value(text)
        if not math.isfinite(value):
            raise UndefinedError
        if low < value < high:
            return text
        target = self.rng.uniform(low + 0.1 * (high - low), high - 0.1 * (high - low))
        if value != 0 and (self.rng.random() < 0.5 or abs(value) > 30 * (high - low)):
            return f"({shown(target / value)}*{text})"
        return f"({text} + {shown(target - value)})"

    def first(self) -> str:
        """An expression without functions."""
        rng, t = self.rng, self.leaf
        c = [shown(rng.uniform(-3, 3), 2) for _ in range(4)]
        r = rng.random()
        if r < 0.4:
            return t
        if r < 0.7:
            return f"({c[0]}*{t} + {c[1]})"
        if r < 0.85:
            return f"({c[0]} + {t}*({c[1]} + {t}*({c[2]} + {c[3]}*{t})))"
        return f"(({c[0]} + {c[1]}*{t})/(1 + {t}**2))"

    def tree(self, depth: int) -> str:
        """A composition of so many levels."""
        rng = self.rng
        if depth == 0:
            return self.first()
        if rng.random() < 0.6:
            template, low, high = UNARY[rng.integers(len(UNARY))]
            return template.format(f"({self.into(self.tree(depth - 1), low, high)})")
        template, low, high = BINARY[rng.integers(len(BINARY))]
        other = self.into(self.tree(int(rng.integers(depth))), low, high)
        return template.format(f"({self.tree(depth - 1)})", f"({other})", c=shown(rng.uniform(-3, 3), 2))


# --- families --------------------------------------------------------------------------------------------------------


def point(rng: Generator) -> float:
    """Of size one, often with two digits, sometimes zero or tiny."""
    r = rng.random()
    if r < 0.08:
        return 0.0
    if r < 0.16:
        return signed(rng, power_of_ten(rng, -15, -2))
    value = float(rng.uniform(-3, 3))
    return float(f"{value:.1e}") if r < 0.5 else value


def case(text: str, x: float, width: float, left: str | None = None, right: str | None = None, **rest: Any) -> Case:
    texts = [plain(text if part is None else part) for part in (text, left, right)]
    return Case(0, 0, "", texts[0], x, width, texts[1], texts[2], **rest)


def plain(text: str) -> str:
    """Without parentheses that are not needed."""
    return ast.unparse(ast.parse(text, mode="eval")) if text else ""


def stretched(rng: Generator, text: str) -> str:
    """Sometimes with values of another size."""
    return f"{literal(float(f'{power_of_ten(rng, -8, 8):.1e}'))}*({text})" if rng.random() < 0.25 else text


def composed(rng: Generator) -> Case:
    """Compositions of elementary functions."""
    x = point(rng)
    return case(stretched(rng, Grower(rng, x).tree(int(rng.integers(1, 5)))), x, 1.0)


def scaled(rng: Generator) -> Case:
    """The same of s x, s from 1e-8 to 1e8."""
    s = float(f"{power_of_ten(rng, -8, 8):.1e}")
    x = point(rng) / s
    return case(stretched(rng, Grower(rng, x, f"({s!r}*x)").tree(int(rng.integers(1, 4)))), x, 1 / s)


def oscillating(rng: Generator) -> Case:
    """Many periods within abs(x)."""
    x = point(rng)
    a = shown(power_of_ten(rng, 0.5, 2.3)) if rng.random() < 0.7 else literal(math.pi * 2.0 ** rng.integers(1, 8))
    b = shown(rng.uniform(-3, 3), 2)
    g = f"({Grower(rng, x).tree(int(rng.integers(3)))})"
    texts = (
        f"cos({a}*x)", f"sin({a}*x)", f"cos({a}*x + {b})", f"sin({a}*x)*{g}", f"({g} + {b}*cos({a}*x))",
        f"exp(cos({a}*x))", f"cos({a}*x**2)", f"(sin({a}*x) + {b}*cos(x))", f"(1/(1.5 + sin({a}*x)))",
    )  # fmt: skip
    return case(stretched(rng, texts[rng.integers(len(texts))]), x, 1 / float(a))


def offset(rng: Generator) -> Case:
    """A large constant plus a function."""
    base = scaled(rng) if rng.random() < 0.4 else composed(rng)
    large = 1e8 if rng.random() < 0.3 else abs(Grower(rng, base.x).value(base.text)) * power_of_ten(rng, 2, 10)
    return case(f"({shown(signed(rng, large), 2)} + {base.text})", base.x, base.width)


def singular(rng: Generator) -> Case:
    """Close to a pole, a branch point or the end of the domain, at 1e-1 to 1e-8 from it, 1e-12 where it is zero."""
    at_zero = rng.random() < 0.4
    a = 0.0 if at_zero else float(f"{rng.uniform(-3, 3):.1e}")
    side = signed(rng, 1.0)
    x = a + side * power_of_ten(rng, -12 if at_zero else -8, -1)
    u = {(True, 1.0): "x", (True, -1.0): "(-x)"}.get((at_zero, side)) or (
        f"(x - {literal(a)})" if side > 0 else f"({literal(a)} - x)"
    )
    g = f"({Grower(rng, x).tree(int(rng.integers(3)))})"
    p = shown(rng.uniform(-3, 3), 2)
    templates = (
        "log({u})", "sqrt({u})", "(1/{u})", "(1/{u}**2)", "{u}**{p}", "{u}*log({u})", "arcsin(1 - {u})",
        "arccos(1 - {u})", "arctanh(1 - {u})", "log1p({u} - 1)", "(1/sqrt({u}))", "(1/log({u}))", "cbrt({u})",
        "sin(log({u}))", "arctan(sqrt({u}))", "exp(-sqrt({u}))", "(1/tan({u}))", "(1/sin({u}))",
    )  # fmt: skip
    text = templates[rng.integers(len(templates))].format(u=u, p=p)
    r = rng.random()
    text = text if r < 0.6 else f"({text} + {g})" if r < 0.8 else f"{text}*{g}"
    return case(stretched(rng, text), x, abs(x - a))


def far(rng: Generator) -> Case:
    """abs(x) large beside the scale of variation."""
    direct = rng.random() < 0.5
    x = signed(rng, power_of_ten(rng, 1.5, 10 if direct else 7))
    x = float(f"{x:.1e}") if rng.random() < 0.5 else x
    near = literal(x + float(rng.uniform(-2, 2)))
    b = shown(rng.uniform(-3, 3), 2)
    if not direct:
        return case(stretched(rng, Grower(rng, x, f"(x - {near})").tree(int(rng.integers(1, 4)))), x, 1.0)
    texts = (
        "cos(x)", "sin(x)", "exp(sin(x))", f"cos({b}*x)", f"(sin(x) + {b}*cos(2*x))", "(sin(x)/x)", "x*cos(x)",
        f"(cos(x) + exp(-(x - {near})**2))", f"(x + {b}*sin(x))", "sqrt(2 + cos(x))", f"tanh({b}*sin(x))",
    )  # fmt: skip
    return case(stretched(rng, texts[rng.integers(len(texts))]), x, 1.0)


def noisy(rng: Generator) -> Case:
    """Noise of 1e-14 to 1e-4 of the values, or of the value at x."""
    choices = (composed, composed, composed, scaled, oscillating, offset, singular, far)
    base = choices[rng.integers(len(choices))](rng)
    unit = abs(Grower(rng, base.x).value(base.text)) or 1.0
    return replace(base, noise=power_of_ten(rng, -14, -4), kind=str(rng.choice(["relative", "additive"])), unit=unit)


def float32(rng: Generator) -> Case:
    """Computed in float32, or only stored in it."""
    base = (composed if rng.random() < 0.7 else scaled)(rng)
    return replace(base, kind="float32" if rng.random() < 0.7 else "rounded")


BREAKS = {  # by what jumps: text, and the functions to the left and to the right of u = 0
    "kink": (
        ("abs({u})", "-{u}", "{u}"), ("maximum({u}, 0.0)", "0.0*{u}", "{u}"),
        ("exp(-abs({u}))", "exp({u})", "exp(-{u})"), ("abs(sin({u}))", "-sin({u})", "sin({u})"),
        ("where({u} < 0, -2.0*{u}, sin({u}))", "-2.0*{u}", "sin({u})"), ("{u}*abs({u})", "-{u}**2", "{u}**2"),
        ("abs({u})**3", "-{u}**3", "{u}**3"), ("sqrt(abs({u}))", "", ""), ("abs({u})**0.4", "", ""),
    ),
    "jump": (
        ("where({u} < 0, 0.0, 1.0)", "0.0*{u}", "0.0*{u} + 1"), ("where({u} <= 0, {u}, 2 + {u})", "{u}", "(2 + {u})"),
        ("where({u} < 0, cos({u}), 3.0)", "cos({u})", "0.0*{u} + 3"),
    ),
    "rounded down": (
        ("floor({u})", "0.0*{u} - 1", "0.0*{u}"), ("round({u} + 0.5)", "0.0*{u}", "0.0*{u} + 1"),
        ("(round({u} - 0.5) + {u})", "({u} - 1)", "{u}"),
    ),
}  # fmt: skip


def breaking(rng: Generator, kind: str, distance: float = 0.0) -> Case:
    """A smooth function plus one with a break at the distance from x."""
    s = 1.0 if rng.random() < 0.6 else float(f"{power_of_ten(rng, -6, 6):.1e}")
    x = point(rng) / s
    a = x - distance / s if distance else x
    scale = "" if s == 1 else f"{s!r}*"
    t = f"({scale}x)" if scale else "x"
    u = t if a == 0 else f"({scale}(x - {literal(a)}))" if scale else f"(x - {literal(a)})"
    choices = [texts for texts in BREAKS[kind] if texts[1] or not distance]
    text, left, right = choices[rng.integers(len(choices))]
    c = shown(signed(rng, power_of_ten(rng, -1, 1)), 2)
    g = Grower(rng, x, t).tree(int(rng.integers(3))) if rng.random() < 0.6 else "0.0"
    texts = [f"({g} + {c}*({part.format(u=u)}))" if part else "" for part in (text, left, right)]
    if distance:
        texts[1] = texts[2] = texts[2 if distance > 0 else 1]
    return case(texts[0], x, 1 / s, texts[1], texts[2])


def kink(rng: Generator) -> Case:
    """A derivative that jumps at x."""
    return breaking(rng, "kink")


def jump(rng: Generator) -> Case:
    """A value that jumps at x."""
    return breaking(rng, "jump")


def floor(rng: Generator) -> Case:
    """floor and round where they jump."""
    return breaking(rng, "rounded down")


def beside(rng: Generator) -> Case:
    """A break at 1e-6 to 0.3 from x, in units of the width."""
    kind = "kink" if rng.random() < 0.5 else "jump"
    return breaking(rng, kind, signed(rng, power_of_ten(rng, -6, -0.5)))


def plateau(rng: Generator) -> Case:
    """Constant at x, a step at 1e-8 to 0.5 from it: the truth is zero."""
    x = point(rng)
    a = x - signed(rng, power_of_ten(rng, -8, -0.3))
    low, high = (float(f"{v:.1e}") for v in rng.uniform(-3, 3, 2))
    here = f"0.0*x + {literal(high if x >= a else low)}"
    text = f"where(x < {literal(a)}, {low!r}, {high!r})"
    return case(text, x, 1.0, here, here, unit=abs(high - low) or 1.0)


FAMILIES: dict[str, Callable[[Generator], Case]] = {
    function.__name__: function
    for function in (
        composed, scaled, oscillating, offset, singular, far, noisy, float32, beside, plateau, kink, jump, floor
    )
}  # fmt: skip
SMOOTH = {
    "composed": 36, "scaled": 14, "oscillating": 8, "offset": 6, "singular": 12, "far": 6, "noisy": 12, "float32": 6
}  # fmt: skip
BROKEN = {"kink": 40, "jump": 15, "floor": 15, "plateau": 15, "beside": 15}


def families(drawn: Sequence[Case]) -> list[str]:
    """Those that occur, in the order of this file."""
    seen = {case.family for case in drawn}
    return [family for family in FAMILIES if family in seen]
