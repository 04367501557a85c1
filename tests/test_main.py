"""``python -m fastcalc``: the reference problem, the derivatives of an importable function, and every complaint."""

import dataclasses
import importlib
import json
import math
import re
import subprocess
import sys
from importlib import resources

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose

import fastcalc as fc
from fastcalc._cli import misra1a, plain, reference
from fastcalc._cli.command import main

# Functions as a user has them. The closed forms of their derivatives are in the tests.
USER_MODULE = """
import math
import sys
import numpy as np

def quadratic(x):
    return 3 * x[0] ** 2 + x[0] * x[1] - 2 * x[1]

def pair(x):
    return [x[0] * x[1], np.exp(x[0]), x[1] ** 3]

def only_number(x):
    return math.exp(2 * x)

def only_array(x):
    return x[0] ** 3

def first_is_nan(x):
    return np.array([np.nan, x[1]])

def infinite(x):
    return np.where(np.arange(2) == 0, np.inf, x)

def wave(x):
    return np.exp(1j * x)

def chatty(x):
    print("working")
    return x[0] * x[1]

buffer = np.zeros(2)
def reuses_its_output(x):
    buffer[:] = x ** 2
    return buffer

def ragged(x):
    return [1.0, [2.0, 3.0]]

def fails(x):
    raise RuntimeError("out of\\nluck")

def fails_away_from_one(x):
    if x[0] != 1.0:
        raise ArithmeticError
    return x[0]

def refuses_negative(x):
    if x[0] < 0:
        raise ValueError("negative amplitude")
    return x[0]

def leaves(x):
    sys.exit(7)

def interrupts(x):
    raise KeyboardInterrupt

def product_in_an_array(x):
    return x[:1] * x[1:]

class Model:
    factor = 4.0
    @staticmethod
    def loss(x):
        return Model.factor * x.sum()

class Callable:
    def __call__(self, x):
        return x[0] / x[1]
instance = Callable()
"""


def strict(text: str):
    """Parse JSON as the standard has it: no NaN, no Infinity."""

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def run(*arguments: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-W", "error", "-m", "fastcalc", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, **options)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A current directory with the user's module, which is forgotten afterwards."""
    (tmp_path / "mine.py").write_text(USER_MODULE)
    (tmp_path / "wrong_syntax.py").write_text("def f(x:\n")
    (tmp_path / "needs_more.py").write_text("import no_such_module_at_all\n")
    (tmp_path / "quits.py").write_text("raise SystemExit\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    importlib.invalidate_caches()
    yield tmp_path
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


@pytest.fixture
def ask(here, capsys):
    """Run the command in this process: exit code, standard output, standard error."""

    def call(line: str):
        code = main(line.split())
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def ask_json(ask):
    def call(line: str):
        code, out, err = ask(f"{line} --json")
        assert (code, err) == (0, "")
        assert out.count("\n") == 1
        return strict(out)

    return call


@pytest.fixture(scope="module")
def output() -> str:
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def problem() -> misra1a.Misra1a:
    return misra1a.load()


@pytest.fixture(scope="module")
def exact(problem):
    """Gradient and Hessian of S, and the Jacobian of the model, with 40 digits by mpmath."""
    b = [mpmath.mpf(float(value)) for value in problem.parameters]
    x, y = ([mpmath.mpf(float(value)) for value in column] for column in (problem.x, problem.y))

    def model(b1, b2, pressure):
        return b1 * (1 - mpmath.exp(-b2 * pressure))

    def squares(b1, b2):
        return mpmath.fsum((volume - model(b1, b2, pressure)) ** 2 for pressure, volume in zip(x, y, strict=True))

    def derivative(f, alpha):
        return float(mpmath.diff(f, b, alpha))

    with mpmath.workdps(40):
        gradient = [derivative(squares, alpha) for alpha in ((1, 0), (0, 1))]
        hessian = [[derivative(squares, alpha) for alpha in row] for row in (((2, 0), (1, 1)), ((1, 1), (0, 2)))]
        jacobian = [[derivative(lambda b1, b2, p=p: model(b1, b2, p), alpha) for alpha in ((1, 0), (0, 1))] for p in x]
    return np.array(gradient), np.array(jacobian), np.array(hessian)


class TestReferenceProblem:
    def test_the_file_of_nist_is_installed(self):
        text = resources.files(fc).joinpath("_data", "Misra1a.dat").read_text()
        assert "NIST/ITL StRD" in text
        assert len(text.splitlines()) == 74

    def test_data_and_certified_values(self, problem):
        # The first and last line of the data, and the certified values, as printed in the file.
        assert (problem.y[0], problem.x[0], problem.y[-1], problem.x[-1], len(problem.x)) == (
            10.07,
            77.6,
            81.78,
            760.0,
            14,
        )
        assert problem.parameters.tolist() == [2.3894212918e02, 5.5015643181e-04]
        assert problem.deviations.tolist() == [2.7070075241e00, 7.2668688436e-06]
        assert problem.squares == 1.2455138894e-01

    def test_closed_forms(self, problem, exact):
        gradient, jacobian, hessian = exact
        b = problem.parameters
        # Terms of the gradient cancel to 6e-9 of their size; r = y - model carries eps * 80 beside 0.1.
        assert_allclose(problem.exact_gradient(b), gradient, rtol=1e-4)
        assert_allclose(problem.exact_jacobian(b), jacobian, rtol=1e-14)
        assert_allclose(problem.exact_hessian(b), hessian, rtol=1e-12)

    def test_hand_written_differences(self, problem, exact):
        _, jacobian, hessian = exact
        assert_allclose(plain.jacobian(problem.model, problem.parameters), jacobian, rtol=1e-11)
        assert_allclose(plain.hessian(problem.sum_of_squares, problem.parameters), hessian, rtol=1e-10)

    def test_prints_what_fits_on_a_screen(self, output):
        lines = output.splitlines()
        assert 25 <= len(lines) <= 45
        assert max(map(len, lines)) <= 100
        assert output.isascii()
        assert "nan" not in output

    def test_gradient_vanishes(self, output, exact):
        gradient = exact[0]
        for i in range(2):
            value, closed, terms, ratio = map(float, re.search(rf"dS/db{i + 1} +(.*)", output).group(1).split())
            assert closed == pytest.approx(gradient[i], rel=1e-3)
            # What is left of a sum that cancels to 6e-9 keeps about four digits.
            assert value == pytest.approx(gradient[i], rel=1e-3)
            assert ratio == pytest.approx(value / terms, rel=0.1)
            assert ratio < 1e-7

    def test_standard_errors_agree_with_nist(self, output):
        certified = {"b1": 2.7070075241e00, "b2": 7.2668688436e-06}
        for name, deviation in certified.items():
            found, printed, digits = map(float, re.search(rf"^  {name} +(\S+) +(\S+) +(\S+)$", output, re.M).groups())
            assert found == pytest.approx(deviation, rel=1e-9)
            assert printed == deviation
            assert digits >= 6

    def test_hessian(self, output, exact):
        numbers = re.search(r"Hessian of S.*\n(.*)\n(.*)\n", output).groups()
        assert_allclose([list(map(float, row.split())) for row in numbers], exact[2], rtol=2e-10)

    def test_calls(self, output, problem):
        # 6 points a variable at accuracy 6; 1 + 4 n + 4 n (n - 1) / 2 for the Hessian of accuracy 4.
        assert "accuracy 6, 12 calls of S" in output
        assert "accuracy 4, 13 calls of S" in output
        assert re.search(r"central +2 +4 ", output)
        assert re.search(r"complex +- +2 ", output)

    def test_times_and_their_ratio(self, output):
        calls, ours, numpy, bare, ratio = map(float, re.search(r"all three +(.*)", output).group(1).split())
        assert calls == 37
        assert min(ours, numpy) > bare * 0.5
        assert ratio == pytest.approx(numpy / ours, rel=0.02)
        if abs(ratio - 1) > 0.01:
            words = "fastcalc is .* times as fast" if ratio > 1 else "fastcalc takes .* times as long"
            assert re.search(words, output)

    @pytest.mark.parametrize(
        ("name", "factor", "complaint"),
        [
            ("deviations", 1 + 1e-5, "the standard errors agree with NIST's in 5.0 digits, below 6"),
            ("parameters", 1 + 1e-9, "the gradient does not vanish at the certified optimum"),
        ],
    )
    def test_fails_where_the_numbers_are_wrong(self, problem, monkeypatch, capsys, name, factor, complaint):
        wrong = dataclasses.replace(problem, **{name: getattr(problem, name) * factor})
        monkeypatch.setattr(misra1a, "load", lambda: wrong)
        monkeypatch.setattr(reference, "_ROUNDS", 1)
        assert main([]) == 1
        assert complaint in capsys.readouterr().out.splitlines()[-1]

    @pytest.mark.parametrize(
        ("operator", "complaint"),
        [("jacobian", "the Jacobian is not its closed form"), ("hessian", "the Hessian is not its closed form")],
    )
    def test_fails_where_a_derivative_is_wrong(self, monkeypatch, capsys, operator, complaint):
        real = getattr(fc, operator)

        def spoiled(f, x, *, full_output=False, **options):
            result = real(f, x, full_output=full_output, **options)
            if full_output:
                return dataclasses.replace(result, value=result.value * (1 + 1e-8))
            return result

        monkeypatch.setattr(fc, operator, spoiled)
        monkeypatch.setattr(reference, "_ROUNDS", 1)
        assert main([]) == 1
        assert complaint in capsys.readouterr().out.splitlines()[-1]


class TestNumbers:
    def test_a_function_of_one_number(self, ask_json):
        answer = ask_json("math:sin 1.0")
        assert (answer["function"], answer["x"], answer["called_with"]) == ("math:sin", 1.0, "one number")
        assert answer["fun"] == math.sin(1.0)
        found = answer["gradient"]
        assert found["value"] == pytest.approx(math.cos(1.0), rel=1e-11)
        assert abs(found["value"] - math.cos(1.0)) <= found["error"] < 1e-6
        assert found["step"] > 0
        assert (found["method"], found["accuracy"], found["evaluations"]) == ("central", 4, 4)
        assert (found["status"], found["success"], found["message"]) == ("FIXED_STEP", True, "fixed step")
        assert answer["calls"] == 5
        assert "jacobian" not in answer
        assert "hessian" not in answer

    def test_several_at_once(self, ask_json):
        answer = ask_json("mine:quadratic 1.5 -2 --gradient --jacobian --hessian")
        assert_allclose(answer["gradient"]["value"], [6 * 1.5 - 2, 1.5 - 2], rtol=1e-11)
        assert_allclose(answer["jacobian"]["value"], [6 * 1.5 - 2, 1.5 - 2], rtol=1e-11)
        assert_allclose(answer["hessian"]["value"], [[6, 1], [1, 0]], atol=1e-8)
        assert np.shape(answer["hessian"]["status"]) == (2, 2)

    def test_jacobian_where_f_returns_several(self, ask_json):
        answer = ask_json("mine:pair 0.5 -3")
        assert_allclose(answer["jacobian"]["value"], [[-3, 0.5], [math.exp(0.5), 0], [0, 27]], rtol=1e-10, atol=1e-12)
        assert answer["called_with"] == "one array of 2 numbers"
        assert "gradient" not in answer

    def test_hessian_of_several_outputs(self, ask_json):
        value = ask_json("mine:pair 0.5 -3 --hessian")["hessian"]["value"]
        exact = [[[0, 1], [1, 0]], [[math.exp(0.5), 0], [0, 0]], [[0, 0], [0, -18]]]
        assert_allclose(value, exact, rtol=1e-8, atol=1e-7)

    @pytest.mark.parametrize(
        ("options", "method", "accuracy", "rtol"),
        [
            ("--accuracy 2", "central", 2, 1e-8),
            ("--accuracy 8", "central", 8, 1e-12),
            ("--method forward", "forward", 4, 1e-9),
            ("--method=backward --accuracy 1", "backward", 1, 1e-6),
            ("--method complex", "complex", None, 4e-16),
        ],
    )
    def test_method_and_accuracy(self, ask_json, options, method, accuracy, rtol):
        found = ask_json(f"numpy:exp 0.75 {options}")["gradient"]
        assert (found["method"], found["accuracy"]) == (method, accuracy)
        assert found["value"] == pytest.approx(math.exp(0.75), rel=rtol)

    def test_unknown_errors_are_null(self, ask_json):
        assert ask_json("numpy:exp 0.75 --accuracy 2")["gradient"]["error"] is None

    def test_step(self, ask_json):
        # (e^h - e^-h) / 2h = sinh(h) / h at x = 0.
        found = ask_json("numpy:exp 0 --accuracy 2 --step 0.5")["gradient"]
        assert found["step"] == 0.5
        assert found["value"] == pytest.approx(math.sinh(0.5) / 0.5, rel=1e-15)

    def test_what_is_not_finite_is_null(self, ask_json):
        answer = ask_json("mine:first_is_nan 1 2")
        assert answer["fun"] == [None, 2.0]
        found = answer["jacobian"]
        assert found["value"][0] == [None, None]
        assert_allclose(found["value"][1], [0, 1], rtol=1e-11)
        assert found["status"] == [["NON_FINITE"] * 2, ["FIXED_STEP"] * 2]
        assert found["success"] == [[False, False], [True, True]]
        assert ask_json("mine:infinite 1 2")["fun"] == [None, 2.0]

    def test_complex_values(self, ask_json):
        answer = ask_json("mine:wave 0.5")
        assert answer["fun"] == {"real": math.cos(0.5), "imag": math.sin(0.5)}
        value = answer["gradient"]["value"]
        assert complex(value["real"], value["imag"]) == pytest.approx(1j * np.exp(0.5j), rel=1e-11)

    def test_one_number_in_an_array_has_a_gradient(self, ask_json):
        answer = ask_json("mine:product_in_an_array 2 5")
        assert_allclose(answer["gradient"]["value"], [5, 2], rtol=1e-11)

    def test_an_output_used_again_is_kept(self, ask_json):
        assert ask_json("mine:reuses_its_output 1 3")["fun"] == [1.0, 9.0]

    @pytest.mark.parametrize(
        ("function", "called_with", "value"),
        [
            ("mine:only_number", "one number", 2 * math.exp(4)),
            ("mine:only_array", "one array of 1 number", [12.0]),
            ("numpy:square", "one number", 4.0),
            ("builtins:sum", "one array of 1 number", [1.0]),
        ],
    )
    def test_one_number_or_an_array_of_one(self, ask_json, function, called_with, value):
        answer = ask_json(f"{function} 2")
        assert answer["called_with"] == called_with
        assert_allclose(answer["gradient"]["value"], value, rtol=1e-10)

    @pytest.mark.parametrize("number", ["-1.5", "-1e-3", "-.5", "-2", "-1E+0", "+3", "1_0"])
    def test_ways_to_write_a_number(self, ask_json, number):
        answer = ask_json(f"numpy:square {number} --gradient")
        assert answer["x"] == float(number)
        assert answer["gradient"]["value"] == pytest.approx(2 * float(number), rel=1e-10)

    @pytest.mark.parametrize(
        "line", ["mine:quadratic --hessian -1.5 -1e-3", "--hessian mine:quadratic -1.5 --step 1e-3 -1e-3"]
    )
    def test_options_anywhere(self, ask_json, line):
        answer = ask_json(line)
        assert answer["x"] == [-1.5, -1e-3]
        assert list(answer)[-1] == "hessian"

    @pytest.mark.parametrize(
        ("function", "gradient"),
        [("mine:Model.loss", [4, 4]), ("mine:instance", [1 / 2, -1 / 4]), ("numpy:linalg.norm", None)],
    )
    def test_dotted_and_callable(self, ask_json, function, gradient):
        exact = np.array([1, 2]) / math.sqrt(5) if gradient is None else gradient
        assert_allclose(ask_json(f"{function} 1 2")["gradient"]["value"], exact, rtol=1e-11)

    def test_standard_output_is_json_though_f_prints(self, here):
        done = run("mine:chatty", "2", "3", "--json", cwd=here)
        assert done.returncode == 0
        assert_allclose(strict(done.stdout)["gradient"]["value"], [3, 2], rtol=1e-11)
        assert set(done.stderr.split()) == {"working"}


class TestText:
    def test_gradient(self, ask):
        code, out, err = ask("math:sin 1.0")
        assert (code, err) == (0, "")
        assert out.startswith("math:sin at x = 1, called with one number\nf(x) = 0.841470984808\n")
        assert "gradient (method central, accuracy 4; 4 calls)" in out
        value, error, step = map(float, re.search(r"df/dx +(\S+) +(\S+) +(\S+) +fixed step", out).groups())
        assert value == pytest.approx(math.cos(1), rel=1e-11)
        assert 0 < error < 1e-6
        assert step == pytest.approx(7.4e-4, rel=0.1)

    def test_jacobian(self, ask):
        _, out, _ = ask("mine:pair 0.5 -3 --method complex")
        assert "mine:pair at x = [0.5, -3], called with one array of 2 numbers" in out
        rows = dict(re.findall(r"(df\S+) +(\S+) +unknown", out))
        assert float(rows["df[2]/dx[1]"]) == 27
        assert len(rows) == 6
        assert "jacobian (method complex; 2 calls)" in out

    def test_hessian_has_its_upper_half(self, ask):
        _, out, _ = ask("mine:quadratic 1 2 --hessian")
        rows = dict(re.findall(r"(d2f\S+) +(\S+)", out))
        assert list(rows) == ["d2f/dx[0]dx[0]", "d2f/dx[0]dx[1]", "d2f/dx[1]dx[1]"]
        assert_allclose([float(value) for value in rows.values()], [6, 1, 0], atol=1e-7)

    @pytest.mark.parametrize(
        ("line", "label"),
        [
            ("mine:pair 1 2 --hessian", "d2f[2]/dx[0]dx[1]"),
            ("math:exp 1 --hessian", "d2f/dx2"),
            ("mine:only_array 1 --jacobian", "df/dx[0]"),
        ],
    )
    def test_labels(self, ask, line, label):
        assert f"  {label} " in ask(line)[1]

    def test_long_tables_are_cut(self, ask):
        _, out, _ = ask("numpy:square " + " ".join(map(str, range(1, 11))))
        assert out.endswith("  and 40 more components: --json prints them all\n")
        assert len(out.splitlines()) < 70

    def test_statuses(self, ask):
        _, out, _ = ask("mine:first_is_nan 1 2")
        assert re.search(r"df\[0\]/dx\[0\] +nan +unknown +\S+ +non finite", out)

    def test_version(self, capsys):
        with pytest.raises(SystemExit, match="0"):
            main(["--version"])
        assert capsys.readouterr().out == f"fastcalc {fc.__version__}\n"

    def test_help(self, capsys):
        with pytest.raises(SystemExit, match="0"):
            main(["--help"])
        out = capsys.readouterr().out
        for word in (
            "--gradient",
            "--jacobian",
            "--hessian",
            "--method",
            "--accuracy",
            "--step",
            "--json",
            "exit codes",
        ):
            assert word in out


WRONG = [
    ("math.sin 1", r"give the function as module:function, for example math:sin; got 'math.sin'"),
    ("mine.py 1", r"for example mine:f; got 'mine.py'"),
    ("sin 1", r"for example sin:f; got 'sin'"),
    ("mine.py:pair 1", r"'mine.py' is no name of a module|no module named 'mine.py'"),
    (":sin 1", r"'' is no name of a module"),
    ("math: 1", r"'' is no name of a function"),
    ("math:a-b 1", r"'a-b' is no name of a function"),
    (".math:sin 1", r"'.math' is no name of a module"),
    ("./mine.py:pair 1", r"leave out .py in './mine.py'"),
    (
        "no_such_module_zq:f 1",
        r"no module named 'no_such_module_zq'; it must be installed, or a file in the current directory",
    ),
    ("mien:pair 1", r"no module named 'mien'; did you mean 'mine'\?"),
    ("mine.sub:pair 1", r"no module named 'mine.sub'"),
    ("math:sine 1", r"math has no 'sine'; did you mean 'sin'\?"),
    ("mine:Model.lost 1", r"mine:Model has no 'lost'; did you mean 'loss'\?"),
    ("mine:qqqq 1", r"mine has no 'qqqq'$"),
    ("math:pi 1", r"math:pi is not a function: it is of type float"),
    ("math:sin one", r"the point must be numbers; got 'one'"),
    ("math:sin -1.5x", r"the point must be numbers; got '-1.5x'"),
    ("math:sin 1 nan", r"the point must be finite; got 'nan'"),
    ("math:sin -inf", r"the point must be finite; got '-inf'"),
    ("math:sin", r"give the point after the function, for example python -m fastcalc math:sin 1.0 2.0"),
    ("--json", r"--json needs a function and a point"),
    ("math:sin 1 --gradeint", r"unknown option --gradeint; python -m fastcalc --help lists the options"),
    ("math:sin --grad 1", r"unknown option --grad;"),
    ("math:sin 1 -x", r"unknown option -x;"),
    ("math:sin 1 --method", r"argument --method: expected one argument"),
    ("math:sin 1 --method fast", r"--method must be one of 'central', 'forward', .*; got 'fast'"),
    ("math:sin 1 --accuracy 3", r"--accuracy must be a positive even integer for central differences; got 3"),
    ("math:sin 1 --accuracy -2", r"--accuracy must be between 1 and \d+; got -2"),
    ("math:sin 1 --accuracy 2.5", r"argument --accuracy: invalid int value: '2.5'"),
    ("math:sin 1 --method complex --accuracy 4", r"--accuracy has no effect on method 'complex'"),
    ("math:sin 1 --step 0", r"--step must be positive and finite; got 0.0"),
    ("math:sin 1 --step -1e-3", r"--step must be positive and finite; got -0.001"),
    ("math:sin 1 --step small", r"argument --step: invalid float value: 'small'"),
    ("math:sin 1 --step 1e-30", r"--step must change x"),
    ("numpy:exp 1 --hessian --method complex", r"method 'complex' gives first derivatives; got a Hessian"),
    (
        "mine:pair 1 2 --gradient",
        r"--gradient needs a function that returns one number; mine:pair returns shape \(3,\)",
    ),
    ("mine:ragged 1 2", r"mine:ragged must return a number or an array of one shape"),
    ("builtins:str 1 2", r"must return numbers; got str"),
]


@pytest.mark.parametrize(("line", "message"), WRONG, ids=[line for line, _ in WRONG])
def test_wrong_command_lines(ask, line, message):
    code, out, err = ask(line)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"fastcalc: .*\n", err)
    assert re.search(message, err.rstrip("\n"))


RAISING = [
    ("math:sqrt -1", r"math:sqrt raised ValueError: \S.*"),
    ("mine:fails 1 2", r"mine:fails raised RuntimeError: out of luck \(mine\.py, line \d+\)"),
    ("mine:fails 1", r"mine:fails raised RuntimeError: out of luck \(mine\.py, line \d+\)"),
    ("mine:fails_away_from_one 1 2", r"mine:fails_away_from_one raised ArithmeticError \(mine\.py, line \d+\)"),
    ("mine:refuses_negative -1", r"mine:refuses_negative raised ValueError: negative amplitude \(mine\.py, line \d+\)"),
    ("mine:leaves 1 2", r"mine:leaves raised SystemExit: 7 \(mine\.py, line \d+\)"),
    ("math:hypot 3 4", r"math:hypot raised TypeError: .*; it was called with one array of 2 numbers"),
    ("math:log 1e-3 --step 1", r"math:log raised ValueError: [^()]*"),
    ("wrong_syntax:f 1", r"importing wrong_syntax raised SyntaxError: .*wrong_syntax\.py, line 1.*"),
    ("needs_more:f 1", r"importing needs_more raised ModuleNotFoundError: .*no_such_module_at_all.*"),
    ("quits:f 1", r"importing quits raised SystemExit.*"),
]


@pytest.mark.parametrize(("line", "message"), RAISING, ids=[line for line, _ in RAISING])
@pytest.mark.parametrize("json_option", ["", " --json"], ids=["text", "json"])
def test_exceptions_of_the_function(ask, line, message, json_option):
    code, out, err = ask(line + json_option)
    assert (code, out) == (1, "")
    assert re.fullmatch(f"fastcalc: {message}\n", err)


def test_interrupted(ask):
    assert ask("mine:interrupts 1 2") == (130, "", "fastcalc: interrupted\n")


class TestProcess:
    """What only a process of its own shows."""

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            (["mine:nothing", "1"], 2, "fastcalc: mine has no 'nothing'\n"),
            (["mine:quadratic", "1", "--frobnicate"], 2, "fastcalc: unknown option --frobnicate; .*\n"),
            (["mine:fails", "1", "2"], 1, "fastcalc: mine:fails raised RuntimeError: out of luck .*\n"),
        ],
    )
    def test_exit_codes(self, here, arguments, code, message):
        done = run(*arguments, cwd=here)
        assert (done.returncode, done.stdout) == (code, "")
        assert re.fullmatch(message, done.stderr)

    def test_module_in_the_current_directory(self, here):
        done = run("mine:quadratic", "-1e-3", "-2.5", "--json", cwd=here)
        assert (done.returncode, done.stderr) == (0, "")
        assert_allclose(strict(done.stdout)["gradient"]["value"], [-6e-3 - 2.5, -1e-3 - 2], rtol=1e-10)

    def test_module_in_the_current_directory_with_a_safe_path(self, here):
        command = [sys.executable, "-P", "-m", "fastcalc", "mine:quadratic", "1", "2"]
        assert subprocess.run(command, capture_output=True, cwd=here, timeout=100).returncode == 0

    def test_quiet_when_the_reader_has_gone(self):
        command = [sys.executable, "-m", "fastcalc", "math:sin", "1"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            process.stdout.close()
            assert process.stderr.read() == ""

    def test_importing_fastcalc_loads_none_of_it(self):
        code = "import sys, fastcalc; print([name for name in sys.modules if name.startswith('fastcalc._cli')])"
        assert subprocess.check_output([sys.executable, "-c", code], text=True, timeout=100) == "[]\n"
