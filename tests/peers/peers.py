"""Which modules of which peers' tests are run, and with what in the place of the functions they test."""

from tests.peers import numdifftools_adaptors, scipy_adaptors, tables
from tests.peers.suites import Suite, without_counterpart


def named(adaptors, *names):
    """Adaptors for names that are called as these."""
    return {name: getattr(adaptors, name) for name in names}


SUITES = [
    Suite(
        "scipy.optimize.tests.test__numdiff",
        tables.NUMDIFF,
        lambda module: named(scipy_adaptors, "approx_derivative", "check_derivative"),
    ),
    Suite(
        "scipy.differentiate.tests.test_differentiate",
        tables.DIFFERENTIATE,
        lambda module: named(scipy_adaptors, "derivative", "jacobian", "hessian"),
    ),
    Suite(
        "numdifftools.tests.test_numdifftools",
        tables.NUMDIFFTOOLS,
        lambda module: {"nd": numdifftools_adaptors.adaptive(module.nd)},
    ),
    Suite(
        "numdifftools.tests.test_invalid_outputs",
        tables.INVALID_OUTPUTS,
        lambda module: {"nd": numdifftools_adaptors.adaptive(module.nd)},
    ),
    Suite(
        "numdifftools.tests.test_jacobian_complex_validation",
        tables.COMPLEX_VALIDATION,
        lambda module: {"nd": numdifftools_adaptors.adaptive(module.nd)},
    ),
    Suite(
        "numdifftools.tests.test_nd_scipy",
        tables.ND_SCIPY,
        lambda module: {"nd": numdifftools_adaptors.over_scipy(module.nd)},
    ),
    Suite(
        "numdifftools.tests.test_nd_statsmodels",
        tables.ND_STATSMODELS,
        lambda module: {"nd": numdifftools_adaptors.fixed(module.nd)},
        own_marks=False,  # statsmodels is not needed
    ),
    Suite(
        "numdifftools.tests.test_nd_algopy",
        tables.ND_ALGOPY,
        lambda module: {"nd": numdifftools_adaptors.exact()},
        own_marks=False,  # algopy is not needed
    ),
    Suite(
        "numdifftools.tests.test_example_functions",
        tables.EXAMPLE_FUNCTIONS,
        lambda module: {
            "nd": numdifftools_adaptors.adaptive(module.nd),
            "nds": numdifftools_adaptors.fixed(module.nds),
            "nda": None,
        },
        own_marks=False,
    ),
    Suite(
        "numdifftools.tests.test_fornberg",
        tables.FORNBERG,
        lambda module: {
            **named(numdifftools_adaptors, "fd_weights", "fd_weights_all"),
            "fd_derivative": without_counterpart("derivatives of sampled data"),
            "derivative": without_counterpart("Taylor coefficients"),
        },
    ),
]
