"""A factored matrix is the product of its factors, whatever is done to it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lensgui.transformer.weights.factored import FactoredMatrix, composition_scores
from tests.references import close

sizes = st.integers(1, 6)


@st.composite
def factored(draw, square=False):
    leading = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    rows, inner, columns = draw(sizes), draw(sizes), draw(sizes)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    make = {"generator": generator, "dtype": torch.float64}
    return FactoredMatrix(
        torch.randn(*leading, rows, inner, **make),
        torch.randn(*leading, inner, rows if square else columns, **make),
    )


@settings(deadline=None)
@given(factored())
def test_norm_transpose_svd_and_even_factors(m):
    close(m.norm(), torch.linalg.matrix_norm(m.AB))
    close(m.T.AB, m.AB.transpose(-2, -1))
    assert m.has_leading_dims == (len(m.shape) > 2)
    u, s, vh = m.svd()
    close((u * s[..., None, :]) @ vh.transpose(-2, -1), m.AB)
    close(s, torch.linalg.svdvals(m.AB)[..., : s.shape[-1]])
    close(m.make_even().AB, m.AB)
    close(torch.linalg.matrix_norm(m.collapse_l()), m.norm())
    close(torch.linalg.matrix_norm(m.collapse_r()), m.norm())


@settings(deadline=None)
@given(factored(), st.data())
def test_products(m, data):
    other = torch.randn(m.rdim, data.draw(sizes), dtype=torch.float64)
    close((m @ other).AB, m.AB @ other)
    close(m @ other[:, 0], m.AB @ other[:, 0])
    left = torch.randn(data.draw(sizes), m.ldim, dtype=torch.float64)
    close((left @ m).AB, left @ m.AB)
    close(left[0] @ m, left[0] @ m.AB)
    close((2.0 * m).AB, 2 * m.AB)
    close((m @ m.T).AB, m.AB @ m.AB.transpose(-2, -1))


@settings(deadline=None)
@given(factored(), st.data())
def test_indexing_is_the_products(m, data):
    index = tuple(data.draw(st.integers(0, size - 1)) for size in m.shape[:-2])
    row = data.draw(st.integers(0, m.ldim - 1))
    column = data.draw(st.integers(0, m.rdim - 1))
    close(m[index].AB, m.AB[index])
    close(m[(*index, row)].AB, m.AB[index][row : row + 1])
    close(m[(*index, row, column)].AB.squeeze(), m.AB[(*index, row, column)])
    close(m[..., : row + 1, :].AB, m.AB[..., : row + 1, :])


@settings(deadline=None)
@given(factored(square=True))
def test_eigenvalues_are_the_products_that_are_not_zero(m):
    ours = m.eigenvalues
    close(ours.sum(-1).real, m.AB.diagonal(dim1=-2, dim2=-1).sum(-1))
    close((ours**2).sum(-1).real, (m.AB @ m.AB).diagonal(dim1=-2, dim2=-1).sum(-1))


def test_composition_scores_meet_each_with_each():
    left = FactoredMatrix(torch.randn(2, 5, 3), torch.randn(2, 3, 5))
    right = FactoredMatrix(torch.randn(4, 5, 3), torch.randn(4, 3, 5))
    scores = composition_scores(left, right)
    assert scores.shape == (2, 4)
    product = left.AB[1] @ right.AB[2]
    expected = product.norm() / left.AB[1].norm() / right.AB[2].norm()
    torch.testing.assert_close(scores[1, 2], expected)


def test_mistakes_are_said():
    with pytest.raises(ValueError, match="do not multiply"):
        FactoredMatrix(torch.ones(2, 3), torch.ones(2, 3))
    tall = FactoredMatrix(torch.ones(4, 2), torch.ones(2, 3))
    with pytest.raises(ValueError, match="square"):
        tall.eigenvalues.sum()
    with pytest.raises(ValueError, match="one number"):
        tall * torch.ones(2)
