"""What is expected of each case of the peers' tests: that it passes, or why it does not apply.

With the versions that a table was made for, all cases are in it, with the last of these no others; and those that do
not apply do fail, unless Hypothesis draws them. With other versions, cases that are not in it are skipped, and those
that are may fail: a release of a peer is no failure of fastcalc.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """Cases by name, ``Class::function[parameters]``; without the parameters, all of a function."""

    versions: tuple[str, ...]
    passes: tuple[str, ...] = ()
    does_not_apply: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def rows(self) -> list[str]:
        return [*self.passes, *(row for rows in self.does_not_apply.values() for row in rows)]

    def row(self, case: str) -> str | None:
        """The row of a case: its own, or that of its function."""
        rows = set(self.rows)
        return next((name for name in (case, case.partition("[")[0]) if name in rows), None)

    def verdict(self, case: str) -> str | None:
        """An empty string for a case that passes, a reason for one that does not apply, None without a row."""
        row = self.row(case)
        if row is None or row in self.passes:
            return row and ""
        return next(reason for reason, rows in self.does_not_apply.items() if row in rows)


# --- SciPy ------------------------------------------------------------------------------------------------------------

NUMDIFF = Table(
    ("1.17", "1.18"),
    passes=(
        "TestApproxDerivativesDense::test_scalar_scalar",
        "TestApproxDerivativesDense::test_vector_scalar",
        "TestApproxDerivativesDense::test_vector_scalar_abs_step",
        "TestApproxDerivativesDense::test_custom_rel_step",
        "TestApproxDerivativesDense::test_options",
        "TestApproxDerivativesDense::test_with_bounds_2_point",
        "TestApproxDerivativesDense::test_with_bounds_3_point",
        "TestApproxDerivativesDense::test_tight_bounds",
        "TestApproxDerivativesDense::test_bound_switches",
        "TestApproxDerivativesDense::test_non_numpy",
        "TestApproxDerivativesDense::test_fp",
        "TestApproxDerivativesDense::test_check_dtype",
        "TestApproxDerivativesDense::test_check_derivative",
        "TestApproxDerivativesDense::test_check_derivative_with_kwargs",
        "TestApproxDerivativeSparse::test_check_derivative",
        "TestApproxDerivativeLinearOperator::test_scalar_scalar",
        "TestApproxDerivativeLinearOperator::test_scalar_vector",
        "TestApproxDerivativesDense::test_scalar_vector",
        "TestApproxDerivativesDense::test_workers_evaluations_and_nfev",
        "TestApproxDerivativesDense::test_vector_vector",
        "TestApproxDerivativeSparse::test_all",
        "TestApproxDerivativeSparse::test_no_precomputed_groups",
        "TestApproxDerivativeSparse::test_equivalence",
        "TestApproxDerivativeLinearOperator::test_vector_scalar",
        "TestApproxDerivativeLinearOperator::test_vector_vector",
        "TestApproxDerivativeLinearOperator::test_exception",
        "test_absolute_step_sign",
    ),
    does_not_apply={
        "a private helper of SciPy is tested, and nothing of fastcalc called": (
            "test_group_columns",
            "test_correct_fp_eps",
            "TestAdjustSchemeToBounds::test_no_bounds",
            "TestAdjustSchemeToBounds::test_with_bound",
            "TestAdjustSchemeToBounds::test_tight_bounds",
            "test__compute_absolute_step",
        ),
        "float16 is computed, and returned, as float64": (
            "TestApproxDerivativesDense::test_check_dtype[2-point-float16-float16]",
            "TestApproxDerivativesDense::test_check_dtype[2-point-float32-float16]",
            "TestApproxDerivativesDense::test_check_dtype[3-point-float16-float16]",
            "TestApproxDerivativesDense::test_check_dtype[3-point-float32-float16]",
        ),
        "outputs with more than one axis, which SciPy refuses, have a Jacobian here": (
            "TestApproxDerivativesDense::test_wrong_dimensions",
        ),
        "1e-9 is wanted of a step so short that one rounding of f makes 5e-9: SciPy's two happen to cancel": (
            "TestApproxDerivativesDense::test_scalar_scalar_abs_step",
        ),
    },
)
DIFFERENTIATE = Table(
    ("1.17", "1.18"),
    passes=(
        "TestDerivative::test_basic",
        "TestDerivative::test_accuracy",
        "TestDerivative::test_preserve_shape",
        "TestDerivative::test_convergence",
        "TestDerivative::test_step_direction",
        "TestDerivative::test_vectorized_step_direction_args",
        "TestDerivative::test_dtype",
        "TestDerivative::test_kwargs",
        "TestJacobian::test_examples",
        "TestJacobian::test_step_direction_size",
        "TestHessian::test_example",
        "TestHessian::test_float32",
    ),
    does_not_apply={
        "SciPy's types of statuses and counts of iterations are compared, which fastcalc does not have": (
            "TestDerivative::test_vectorization",
            "TestJacobian::test_attrs",
        ),
        "x stays float32 where other arguments are float64, and so does what f computes from it": (
            "TestDerivative::test_kwargs[float64]",
        ),
        "SciPy's status codes are compared; fastcalc has others": (
            "TestDerivative::test_flags",
            "TestDerivative::test_flags_preserve_shape",
        ),
        "what SciPy's step parameters and number of iterations do is tested; fastcalc chooses its steps": (
            "TestDerivative::test_step_parameters",
            "TestDerivative::test_initial_step",
            "TestDerivative::test_maxiter_callback",
            "TestDerivative::test_special_cases",
        ),
        "SciPy's error messages are compared": (
            "TestDerivative::test_input_validation",
            "TestJacobian::test_iv",
            "TestHessian::test_iv",
        ),
        "SciPy itself expects the failure": ("TestDerivative::test_saddle_gh18811",),
        "calls of f are counted per component, where fastcalc counts them together": ("TestHessian::test_nfev",),
        "an `rtol` that is too small is a warning of SciPy's, and a status of fastcalc's": (
            "TestHessian::test_small_rtol_warning",
        ),
    },
)

# --- numdifftools -----------------------------------------------------------------------------------------------------

SHORTCOMING = "sixth and seventh derivatives have fewer digits here, and say so by their errors"
OTHER_MACHINERY = "numdifftools' own machinery is tested, and nothing of fastcalc called"

NUMDIFFTOOLS = Table(
    ("0.11",),
    passes=(
        "TestDerivative::test_directional_diff",
        "TestDerivative::test_infinite_functions",
        "TestDerivative::test_high_order_derivative_cos",
        "TestDerivative::test_fun_with_additional_parameters",
        "TestDerivative::test_derivative_with_step_options",
        "TestDerivative::test_derivative_cube",
        "TestDerivative::test_derivative_exp",
        "TestDerivative::test_derivative_sin",
        "TestDerivative::test_backward_derivative_on_sinh",
        "TestDerivative::test_central_and_forward_derivative_on_log",
        "TestJacobian::test_scalar_to_vector",
        "TestJacobian::test_on_scalar_function",
        "TestJacobian::test_on_vector_valued_function",
        "TestJacobian::test_on_matrix_valued_function",
        "TestJacobian::test_issue_68",
        "TestJacobian::test_issue_25",
        "TestJacobian::test_issue_27a",
        "TestJacobian::test_issue_27b",
        "TestGradient::test_issue_39",
        "TestGradient::test_directional_diff",
        "TestGradient::test_gradient",
        "TestHessdiag::test_complex",
        "TestHessdiag::test_fixed_step",
        "TestHessdiag::test_default_step",
        "TestHessian::test_run_hamiltonian",
        "TestHessian::test_hessian_cos_x_y_at_0_0",
        "TestHessian::test_on_scalar_function",
        "TestHessian::test_on_vector_valued_function",
    ),
    does_not_apply={
        OTHER_MACHINERY: (
            "TestRichardson::test_central_forward_backward",
            "TestRichardson::test_complex",
            "TestDerivative::test_default_scale",
        ),
        "numdifftools' last step is compared": (
            "TestJacobian::test_jacobian_fulloutput",
            "TestGradient::test_gradient_fulloutput",
        ),
        "the complex step of Hessians is compared, which fastcalc does not have": (
            "TestHessian::test_complex_hessian_issue_35",
        ),
        SHORTCOMING: ("TestDerivative::test_derivative_of_cos_x",),
    },
)
INVALID_OUTPUTS = Table(
    ("0.11",),
    does_not_apply={
        OTHER_MACHINERY: ("test_select_estimates_with_invalid_column",),
        "a warning is wanted for outputs that are NaN, which are NaN with a status here": (
            "test_valid_derivatives_unchanged_by_invalid_output",
        ),
    },
)
COMPLEX_VALIDATION = Table(
    ("0.11",),
    passes=(
        "test_real_valued_function_still_accepted",
        "test_real_value_with_complex_dtype_accepted",
        "test_central_complex_output_unchanged",
    ),
    does_not_apply={
        "the complex step takes f to be real for a real x: there is no call of f at x that would tell": (
            "test_complex_output_rejected_before_perturbation",
        ),
        "a complex x is a TypeError, where numdifftools raises ValueError": ("test_complex_variable_rejected",),
    },
)
ND_SCIPY = Table(
    ("0.11",),
    passes=(
        "TestJacobian::test_scalar_to_vector",
        "TestJacobian::test_on_scalar_function",
        "TestJacobian::test_on_vector_valued_function",
        "TestGradient::test_on_scalar_function",
    ),
    does_not_apply={
        "numdifftools itself skips it: its class for SciPy takes no matrix-valued functions": (
            "TestJacobian::test_on_matrix_valued_function",
            "TestJacobian::test_issue_25",
        ),
    },
)
ND_STATSMODELS = Table(
    ("0.11",),
    passes=(
        "TestJacobian::test_scalar_to_vector",
        "TestJacobian::test_on_scalar_function",
        "TestJacobian::test_on_vector_valued_function",
        "TestJacobian::test_on_matrix_valued_function",
        "TestJacobian::test_issue_25",
        "TestGradient::test_on_scalar_function",
    ),
    does_not_apply={
        "complex steps give first derivatives only, and all methods are tested in one case": (
            "TestHessian::test_run_hamiltonian",
            "TestHessian::test_hessian_cos_x_y__at_0_0",
        ),
    },
)
ND_ALGOPY = Table(
    ("0.11",),
    passes=(
        "TestHessian::test_run_hamiltonian",
        "TestHessian::test_hessian_cos_x_y__at_0_0",
        "TestDerivative::test_directional_diff",
        "TestDerivative::test_derivative_cube",
        "TestJacobian::test_on_scalar_function",
        "TestGradient::test_on_scalar_function",
        "TestHessdiag::test_forward",
        "TestHessdiag::test_reverse",
    ),
    does_not_apply={
        "the accuracy of automatic differentiation is wanted, which differences cannot have": (
            "TestDerivative::test_high_order_derivative_cos",
            "TestDerivative::test_fun_with_additional_parameters",
            "TestDerivative::test_derivative_exp",
            "TestDerivative::test_derivative_sin",
            "TestDerivative::test_derivative_on_sinh",
            "TestDerivative::test_derivative_on_log",
            "TestJacobian::test_on_vector_valued_function",
        ),
        "f makes its output with algopy": (
            "TestJacobian::test_scalar_to_vector",
            "TestJacobian::test_on_matrix_valued_function",
            "TestJacobian::test_issue_25",
        ),
    },
)
EXAMPLE_FUNCTIONS = Table(
    ("0.11",),
    passes=("TestExampleFunctions::test_first_order_derivative",),
    does_not_apply={
        SHORTCOMING: ("TestExampleFunctions::test_high_order_derivative",),
    },
)
FORNBERG = Table(
    ("0.11",),
    passes=("test_all_weights", "test_weights"),
    does_not_apply={
        "fastcalc has no derivatives of sampled data yet": ("test_fd_derivative",),
        "fastcalc has no Taylor coefficients yet": (
            "test_high_order_derivative",
            "test_low_order_derivative_on_example_functions",
        ),
    },
)

LEFT_OUT = {
    "numdifftools.tests.test_extrapolation": "extrapolation of sequences, which is no part of fastcalc's interface",
    "numdifftools.tests.test_limits": "limits and residues, which fastcalc does not compute",
    "numdifftools.tests.test_multicomplex": "arithmetic of bicomplex numbers, which fastcalc does not have",
    "numdifftools.tests.test_profile_numdifftools": "scripts that profile numdifftools",
    "numdifftools.tests.test_scripts": "scripts that time numdifftools",
    "numdifftools.tests.test_step_generators": "sequences of steps, which fastcalc chooses by itself",
}
