"""The threads and processes of an integer `workers`: when they start, when they end, and what they survive."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest

import fastcalc as fc
from fastcalc._functions import pickling, worker_pools

X = np.array([0.7, -1.3, 2.1, 0.4])

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs signals or fork")


def wave(x):
    return np.sin(x).sum() * x[0]


def of_columns(x):
    return np.sin(x).sum(axis=0) * x[0]


def children():
    return {process.pid for process in multiprocessing.active_children()}


def helpers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("fastcalc")]


def eventually(condition, seconds=20.0):
    """Whether it holds within that time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture
def spawning(monkeypatch):
    """Processes that begin with nothing, as by default on Windows and macOS."""
    context = multiprocessing.get_context("spawn")
    monkeypatch.setattr(multiprocessing, "get_context", lambda: context)


def test_processes_live_with_their_operator():
    before = children()
    g = fc.Gradient(wave, workers=2)
    assert children() == before
    g(X)
    started = children() - before
    assert len(started) == 2
    g(X + 1)
    assert children() - before == started
    del g
    gc.collect()
    assert eventually(lambda: not children() & started)


def test_threads_live_with_their_operator():
    before = len(helpers())
    g = fc.Gradient(of_columns, vectorized=True, workers=3)
    assert len(helpers()) == before
    x = np.linspace(0.1, 1, 100)
    g(x)
    started = len(helpers()) - before
    assert 1 <= started <= 2  # the third is the one that calls
    g(x)
    assert len(helpers()) - before <= 2
    del g
    gc.collect()
    assert eventually(lambda: len(helpers()) == before)


@pytest.mark.parametrize("vectorized", [False, True])
def test_closing(vectorized):
    f = of_columns if vectorized else wave
    expected = fc.gradient(f, X, vectorized=vectorized)
    before = children()
    with fc.Gradient(f, vectorized=vectorized, workers=2) as g:
        assert (g(X) == expected).all()
    assert children() == before
    assert (g(X) == expected).all()  # it starts others
    g.close()
    g.close()
    assert children() == before
    fc.Gradient(f).close()  # nothing to end


def test_a_given_map_is_not_closed():
    class Map:
        closed = False

        def __call__(self, function, items):
            return map(function, items)

        def close(self):
            self.closed = True

    given = Map()
    with fc.Gradient(wave, workers=given) as g:
        g(X)
    assert not given.closed


def test_functions_leave_no_processes_behind():
    before = children()
    fc.gradient(wave, X, workers=2)
    fc.jvp(wave, X, X, workers=2)
    gc.collect()
    assert eventually(lambda: children() == before)


def test_threads_may_share_an_operator():
    expected, wrong = fc.gradient(wave, X), []
    with fc.Gradient(wave, workers=2) as g:

        def use():
            for _ in range(5):
                if not (g(X) == expected).all():
                    wrong.append(1)

        users = [threading.Thread(target=use) for _ in range(4)]
        for user in users:
            user.start()
        for user in users:
            user.join()
    assert not wrong


def test_a_call_inside_a_call():
    x = np.linspace(0.5, 1, 40)
    inner = fc.Gradient(of_columns, vectorized=True, workers=2)
    outer = fc.Gradient(lambda p: inner(p)[0], vectorized=True, workers=2)
    serial = fc.Gradient(of_columns, vectorized=True)
    assert (outer(x) == fc.gradient(lambda p: serial(p)[0], x, vectorized=True)).all()

    def f(p):  # the same pool
        return of_columns(p) + (0 if p.shape[1] < 20 else g(p[:, 0]).sum())

    g = fc.Gradient(f, vectorized=True, workers=2)
    assert np.isfinite(g(x)).all()


def test_processes_inside_processes():
    inner = fc.Gradient(wave, workers=2)
    inner(X)
    outer = fc.Gradient(lambda p: inner(p)[0], workers=2)
    serial = fc.Gradient(wave)
    assert (outer(X) == fc.gradient(lambda p: serial(p)[0], X)).all()


# ---------------------------------------------------------------------------------------------- what is sent


class Heavy:
    """Counts how often it is pickled here, and unpickled over there."""

    sent = 0

    def __init__(self, unpacked=0):
        self.unpacked = unpacked

    def __reduce__(self):
        Heavy.sent += 1
        return remade, (os.getpid(),)

    def __call__(self, x, *others):
        return np.sum(x) + self.unpacked


MADE = []


def remade(pid):
    MADE.append(pid)
    return Heavy(0 if os.getpid() == pid else len(MADE))


def test_f_and_its_stored_arguments_are_sent_once(spawning):
    Heavy.sent = 0
    with fc.Gradient(Heavy(), args=(Heavy(),), workers=1 + 1) as g:
        assert np.allclose(g(X), 1)
        sent = Heavy.sent
        assert sent == 2  # one of each
        g(X)
        g(X + 1)
        assert Heavy.sent == sent


def test_arguments_of_a_call_are_packed_once():
    Heavy.sent = 0
    with fc.Gradient(lambda x, other: np.sum(x), workers=2) as g:
        g(np.ones(60), Heavy())
    assert Heavy.sent <= 2  # for a few tasks first, and for the others


def test_what_pickle_does_not_take(spawning):
    pytest.importorskip("cloudpickle")
    factor = 3.0
    assert (fc.gradient(lambda x: factor * wave(x), X, workers=2) == fc.gradient(lambda x: factor * wave(x), X)).all()


def test_without_cloudpickle(spawning, monkeypatch):
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(TypeError, match=r"`f` and its arguments must be picklable .* install cloudpickle, which takes"):
        fc.gradient(lambda x: x[0], X, workers=2)
    with pytest.raises(TypeError, match="use the map of a thread pool"):
        pickling.packed(threading.Lock())


def test_what_nothing_takes():
    lock = threading.Lock()
    with fc.Gradient(lambda x, other: x[0], workers=2) as g:
        with pytest.raises(TypeError, match="must be picklable for `workers` in other processes; got cannot pickle"):
            g(X, lock)
        assert g(X, 0.0)[0] == pytest.approx(1)
    if multiprocessing.get_start_method() == "fork":  # f itself goes along with the process
        assert fc.gradient(lambda x: x[0] if lock else 0, X, workers=2)[0] == pytest.approx(1)


def test_an_error_without_any_form_that_travels(monkeypatch):
    monkeypatch.setitem(sys.modules, "cloudpickle", None)

    class Local(Exception):
        pass

    with pytest.raises(RuntimeError, match="Local: lost"):
        raise pickling._failed(pickling.packed_error(Local("lost"))).error


# ---------------------------------------------------------------------------------------------- accidents


def dies(x, dying=True):
    if dying and x[2] != X[2]:
        os.kill(os.getpid(), signal.SIGKILL)
    return np.sum(x)


@posix
def test_a_worker_that_dies():
    with fc.Gradient(dies, workers=2) as g:
        for _ in range(2):
            with pytest.raises(BrokenProcessPool, match="a worker process died while it ran `f`"):
                g(X)
        assert np.allclose(g(X, False), 1)  # other processes


@posix
def test_workers_that_die_while_they_wait():
    before = children()
    with fc.Gradient(wave, workers=2) as g:
        expected = g(X)
        started = children() - before
        for pid in started:
            os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: not children() & started)
        time.sleep(0.1)
        assert (g(X) == expected).all()


@posix
def test_idle_workers_do_not_mind_ctrl_c():
    before = children()
    with fc.Gradient(wave, workers=2) as g:
        expected = g(X)
        workers = children() - before
        for pid in workers:
            os.kill(pid, signal.SIGINT)
        time.sleep(0.2)
        assert (g(X) == expected).all()
        assert children() - before == workers


def run_script(source, *, timeout=60):
    command = [sys.executable, "-c", textwrap.dedent(source)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


@posix
@pytest.mark.parametrize("vectorized", [False, True])
def test_a_forked_child_has_workers_of_its_own(vectorized):
    done = run_script(f"""
        import os, warnings
        import numpy as np
        import fastcalc as fc

        x = np.linspace(0.5, 1, 60)
        f = lambda p: np.sin(p).sum(axis=0) * p[0]
        g = fc.Gradient(f, vectorized={vectorized}, workers=2)
        expected = g(x)
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
        if pid == 0:
            right = (g(x) == expected).all() and (g(x) == expected).all()
            g.close()
            del g
            os._exit(0 if right else 1)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print(status, (g(x) == expected).all())
    """)
    assert (done.stdout.strip(), done.stderr) == ("0 True", "")


INTERRUPTED = """
    import signal, time
    import numpy as np
    import fastcalc as fc

    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells have background jobs ignore it

    def f(x):
        {body}
        return x[0]

    if __name__ == "__main__":
        print("ready", flush=True)
        g = fc.Gradient(f, {options})
        try:
            g(np.ones(40))
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        g.close()
"""


@posix
@pytest.mark.parametrize("group", [False, True], ids=["the process", "its group"])
@pytest.mark.parametrize(
    ("body", "options"),
    [
        ("time.sleep(30)", "workers=2"),
        ("time.sleep(1)", "vectorized=True, workers=2"),
        ("time.sleep(1)", "workers=__import__('concurrent.futures').futures.ThreadPoolExecutor(2).map"),
    ],
    ids=["processes", "threads", "map"],
)
def test_ctrl_c(tmp_path, group, body, options):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(INTERRUPTED).format(body=body, options=options))
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(1.0 if "30" in body else 0.3)
        begun = time.monotonic()
        if group:
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert (out, err) == ("interrupted\n", "")
        assert time.monotonic() - begun < 10  # far less; the machine may be busy
        with pytest.raises(ProcessLookupError):  # nobody is left
            os.killpg(process.pid, 0)
    finally:
        process.kill()
        process.wait()


def test_functions_of_a_notebook():
    """Defined in a main module that no other process has, as with `python -c`."""
    source = """
        import multiprocessing
        import sys
        import numpy as np
        import fastcalc as fc

        {first}

        def f(x):
            return np.sum(x * x)

        multiprocessing.set_start_method("spawn")
        try:
            print(fc.gradient(f, [1.0, 2.0], workers=2).round(6))
        except TypeError as error:
            print(error)
    """
    pytest.importorskip("cloudpickle")
    assert run_script(source.format(first="")).stdout.strip() == "[2. 4.]"
    without = run_script(source.format(first="sys.modules['cloudpickle'] = None"))
    assert "must be importable in worker processes" in without.stdout, without.stderr


def test_a_script_without_a_guard(tmp_path):
    """Its processes import it, and would start others; the error says what is missing, as does that of the child."""
    script = tmp_path / "script.py"
    script.write_text(
        "import multiprocessing, numpy as np, fastcalc as fc\n"
        "multiprocessing.set_start_method('spawn', force=True)\n"
        "fc.gradient(np.sum, np.ones(3), workers=2)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    assert 'are below `if __name__ == "__main__":`' in done.stderr.splitlines()[-1]


def test_cores():
    assert 1 <= worker_pools.core_count() <= os.cpu_count()
