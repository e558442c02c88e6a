"""Likelihoods that run through time, as one operation of PyTensor: value and gradient in a single pass of numba.

PyTensor's scan would keep a graph of every step; these recursions carry the derivative along with the value (forward
differentiation for a handful of parameters per asset, backward for more), so a gradient costs about twice a value.
Second derivatives are not offered; NUTS asks for none. Series of all assets lie behind each other, those of asset i at
`start[i]:start[i + 1]`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType, grad_not_implemented
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import numba_funcify, numba_njit

from mmresearch.models.pymc import chain_kernels, kernels

#: Parameters of each recursion; they come before the data in its arguments.
FREE = {"hawkes": 3, "local_level": 2, "hidden_regimes": 5, "run_lengths": 1}


class Recursion(Op):
    """Log likelihood of series, with its gradient in the parameters.

    Parameters
    ----------
    kernel : {"hawkes", "local_level", "hidden_regimes", "run_lengths"}
        Function of `mmresearch.models.pymc.kernels` or of `chain_kernels`: parameters and data to value and gradients.
    """

    __props__ = ("kernel",)

    def __init__(self, kernel: str):
        self.kernel = kernel

    @property
    def function(self) -> Callable[..., Any]:
        """The compiled kernel."""
        return getattr(kernels if hasattr(kernels, self.kernel) else chain_kernels, self.kernel)

    def make_node(self, *inputs: Any) -> Apply:
        """Take parameters, then data; give the value, then the gradient in each parameter."""
        given = [pt.as_tensor_variable(x) for x in inputs]
        return Apply(self, given, [pt.dscalar(), *(x.type() for x in given[: FREE[self.kernel]])])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Any, *_: Any) -> None:
        """Run the kernel where numba does not compile the whole graph."""
        for cell, value in zip(output_storage, self.function(*inputs), strict=True):
            cell[0] = np.asarray(value)

    def pullback(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], cotangents: Sequence[Variable]
    ) -> list[Variable]:
        """Gradients of the value are outputs already; of the gradients there are none."""
        free = FREE[self.kernel]
        if not all(isinstance(c.type, DisconnectedType) for c in cotangents[1:]):
            return [grad_not_implemented(self, i, x) for i, x in enumerate(inputs)]
        slopes = [pt.mul(cotangents[0], slope) for slope in outputs[1:]]
        return [*slopes, *(DisconnectedType()() for _ in inputs[free:])]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Data have no gradient."""
        free = FREE[self.kernel]
        return [[i < free] * len(node.outputs) for i in range(len(node.inputs))]


@numba_funcify.register(Recursion)
def _compiled(op: Recursion, node: Apply, **_: Any) -> Callable[..., Any]:
    function = op.function

    @numba_njit
    def run(*inputs):
        return function(*inputs)

    return run


def log_likelihood(kernel: str, *inputs: Any) -> Variable:
    """Return the log likelihood of all assets together.

    Parameters
    ----------
    kernel : {"hawkes", "local_level", "hidden_regimes", "run_lengths"}
        Which recursion.
    *inputs : tensor_like
        Its parameters and its data.
    """
    return Recursion(kernel).make_node(*inputs).outputs[0]
