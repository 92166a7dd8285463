"""FactoredMatrix: a product A B of low rank that is never multiplied out unless asked.

A head's OV and QK circuits are such products (Elhage et al. 2021): [d_model, d_model] numbers of
rank d_head.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lensgui.transformer.layers.parameters import precise


class FactoredMatrix:
    """The matrix A B, [..., ldim, rdim], kept as its factors.

    Leading dimensions broadcast against each other. Of factors in half precision, what is worked
    out (singular vectors and values, eigenvalues, norms) is in float32.

    Attributes:
        A: [..., ldim, mdim].
        B: [..., mdim, rdim].
    """

    def __init__(self, A: Tensor, B: Tensor) -> None:
        """Keep two factors.

        Raises:
            ValueError: If their inner dimensions differ.
        """
        if A.shape[-1] != B.shape[-2]:
            raise ValueError(
                f"The factors {list(A.shape)} and {list(B.shape)} do not multiply: "
                "the last dimension of A must be the second to last of B."
            )
        leading = torch.broadcast_shapes(A.shape[:-2], B.shape[:-2])
        self.A = A.expand(*leading, *A.shape[-2:])
        self.B = B.expand(*leading, *B.shape[-2:])

    @property
    def ldim(self) -> int:
        """Number of rows."""
        return self.A.shape[-2]

    @property
    def mdim(self) -> int:
        """Inner dimension, an upper bound of the rank."""
        return self.A.shape[-1]

    @property
    def rdim(self) -> int:
        """Number of columns."""
        return self.B.shape[-1]

    @property
    def has_leading_dims(self) -> bool:
        """Whether this is more than one matrix."""
        return self.A.ndim > 2

    @property
    def shape(self) -> torch.Size:
        """The shape of the product."""
        return torch.Size((*self.A.shape[:-2], self.ldim, self.rdim))

    @property
    def ndim(self) -> int:
        """Number of dimensions of the product."""
        return len(self.shape)

    @property
    def AB(self) -> Tensor:
        """The product, [..., ldim, rdim]."""
        return self.A @ self.B

    @property
    def BA(self) -> Tensor:
        """The product the other way round, [..., mdim, mdim].

        Small, with the same non-zero eigenvalues.

        Raises:
            ValueError: If A B is not square.
        """
        self._check_square("BA")
        return self.B @ self.A

    @property
    def T(self) -> FactoredMatrix:
        """The transpose."""
        return FactoredMatrix(self.B.transpose(-2, -1), self.A.transpose(-2, -1))

    @property
    def pair(self) -> tuple[Tensor, Tensor]:
        """Both factors."""
        return self.A, self.B

    def __repr__(self) -> str:
        """Return shape and inner dimension."""
        return f"FactoredMatrix: Shape({self.shape}), Hidden Dim({self.mdim})"

    def __matmul__(self, other: Tensor | FactoredMatrix) -> Any:
        """Multiply by a matrix (still factored) or by a vector (a vector)."""
        if isinstance(other, FactoredMatrix):
            return (self @ other.A) @ other.B
        if other.ndim < 2:
            return (self.A @ (self.B @ other.unsqueeze(-1))).squeeze(-1)
        if self.rdim > self.mdim:
            return FactoredMatrix(self.A, self.B @ other)
        return FactoredMatrix(self.AB, other)

    def __rmatmul__(self, other: Tensor) -> Any:
        """Multiply a matrix (still factored) or a vector (a vector) by this."""
        if other.ndim < 2:
            return ((other.unsqueeze(-2) @ self.A) @ self.B).squeeze(-2)
        if self.ldim > self.mdim:
            return FactoredMatrix(other @ self.A, self.B)
        return FactoredMatrix(other, self.AB)

    def __mul__(self, scalar: float | Tensor) -> FactoredMatrix:
        """Scale every entry by one number.

        Raises:
            ValueError: If it is more than one number.
        """
        if isinstance(scalar, Tensor) and scalar.numel() != 1:
            raise ValueError(
                f"A FactoredMatrix is scaled by one number, not by {list(scalar.shape)}."
            )
        return FactoredMatrix(self.A * scalar, self.B)

    __rmul__ = __mul__

    def __getitem__(self, index: Any) -> FactoredMatrix:
        """Index leading dimensions, then rows, then columns; the result stays factored.

        A whole number where rows or columns are meant keeps a dimension of 1, so that it stays a
        matrix.
        """
        index = index if isinstance(index, tuple) else (index,)
        if Ellipsis in index:
            at = index.index(Ellipsis)
            missing = self.ndim - (len(index) - 1)
            index = (*index[:at], *(slice(None),) * missing, *index[at + 1 :])
        leading = self.ndim - 2
        if len(index) > self.ndim:
            raise IndexError(
                f"{len(index)} indices for a FactoredMatrix of {self.ndim} dimensions."
            )
        before = index[:leading]
        rows, columns = (*index[leading:], slice(None), slice(None))[:2]
        full = before + (slice(None),) * (leading - len(before))
        return FactoredMatrix(
            self.A[(*full, _kept(rows), slice(None))], self.B[(*full, slice(None), _kept(columns))]
        )

    def svd(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return U, S and Vh with A B = U diag(S) Vhᵀ: [..., ldim, k], [..., k], [..., rdim, k].

        Works on the factors, so that the cost is that of their thin decompositions. As in the
        field's notebooks, the third matrix has the right singular vectors as columns.
        """
        ua, sa, va = torch.linalg.svd(precise(self.A), full_matrices=False)
        ub, sb, vb = torch.linalg.svd(precise(self.B), full_matrices=False)
        inner = sa[..., :, None] * (va @ ub) * sb[..., None, :]
        ui, s, vi = torch.linalg.svd(inner, full_matrices=False)
        return ua @ ui, s, vb.transpose(-2, -1) @ vi.transpose(-2, -1)

    @property
    def U(self) -> Tensor:
        """Left singular vectors as columns, [..., ldim, k]."""
        return self.svd()[0]

    @property
    def S(self) -> Tensor:
        """Singular values, largest first, [..., k]."""
        return self.svd()[1]

    @property
    def Vh(self) -> Tensor:
        """Right singular vectors as columns, [..., rdim, k]."""
        return self.svd()[2]

    @property
    def eigenvalues(self) -> Tensor:
        """The mdim eigenvalues that may differ from 0, complex, [..., mdim].

        Raises:
            ValueError: If A B is not square.
        """
        self._check_square("eigenvalues")
        values: Tensor = torch.linalg.eigvals(precise(self.B) @ precise(self.A))
        return values

    def norm(self) -> Tensor:
        """Return the Frobenius norm, [...], from the factors' small Gram matrices."""
        a, b = precise(self.A), precise(self.B)
        left, right = a.transpose(-2, -1) @ a, b @ b.transpose(-2, -1)
        return (left * right.transpose(-2, -1)).sum((-2, -1)).clamp(min=0).sqrt()

    def make_even(self) -> FactoredMatrix:
        """Return the same matrix with its singular values shared evenly between the factors."""
        u, s, vh = self.svd()
        root = s.sqrt()
        return FactoredMatrix(u * root[..., None, :], root[..., :, None] * vh.transpose(-2, -1))

    def collapse_l(self) -> Tensor:
        """Return [..., k, rdim] with the same norm and right singular vectors.

        The left singular vectors are forgotten.
        """
        _, s, vh = self.svd()
        return s[..., :, None] * vh.transpose(-2, -1)

    def collapse_r(self) -> Tensor:
        """Return [..., ldim, k] with the same norm and left singular vectors.

        The right singular vectors are forgotten.
        """
        u, s, _ = self.svd()
        return u * s[..., None, :]

    def get_corner(self, k: int = 3) -> Tensor:
        """Return the first k rows and columns."""
        return self.A[..., :k, :] @ self.B[..., :, :k]

    def unsqueeze(self, dim: int) -> FactoredMatrix:
        """Return the same matrices with another leading dimension of 1."""
        return FactoredMatrix(self.A.unsqueeze(dim), self.B.unsqueeze(dim))

    def _check_square(self, what: str) -> None:
        if self.ldim != self.rdim:
            raise ValueError(
                f"{what} needs a square matrix; this one is {self.ldim} × {self.rdim}."
            )


def _kept(index: Any) -> Any:
    """Return an index that keeps its dimension."""
    if isinstance(index, int):
        return slice(index, index + 1 or None)
    return index


def composition_scores(
    left: FactoredMatrix, right: FactoredMatrix, broadcast_dims: bool = True
) -> Tensor:
    """Return how much each pair of matrices composes.

    ‖left right‖ / (‖left‖ ‖right‖) (Elhage et al. 2021).

    Args:
        left: [..., d, d], earlier in the model.
        right: [..., d, d], later.
        broadcast_dims: Whether each of `left` meets each of `right`: leading dimensions then stand
            side by side.

    Returns:
        Frobenius ratios between 0 and 1, [..., ...].

    Raises:
        ValueError: If the matrices do not multiply.
    """
    if left.rdim != right.ldim:
        raise ValueError(
            f"Composition needs left columns = right rows; they are {left.rdim} and {right.ldim}."
        )
    if broadcast_dims:
        for _ in range(right.ndim - 2):
            left = left.unsqueeze(left.ndim - 2)
        for _ in range(left.ndim - right.ndim):
            right = right.unsqueeze(0)
    left, right = (FactoredMatrix(precise(m.A), precise(m.B)) for m in (left, right))
    product: FactoredMatrix = left @ right
    return product.norm() / left.norm() / right.norm()
