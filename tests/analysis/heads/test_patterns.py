"""What a head takes from where agrees with the definitions, worked out from the cache."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.heads.attention import weighted_attention
from lensgui.analysis.heads.evidence import mean_output_norms, output_norms
from lensgui.analysis.heads.readout import read_head
from lensgui.analysis.heads.scores import head_scores, strongest_edges, targets
from lensgui.terms.metrics import LogitDifference
from lensgui.terms.scores import PROMPT_SCORES
from lensgui.transformer.model import HookedTransformer
from tests.references import close, model_of

METRIC = LogitDifference((3, 5), (7,))


@pytest.fixture(scope="module", params=["gpt2", "llama", "gemma2"])
def model(request) -> HookedTransformer:
    return model_of(request.param)


def heads(model):
    return [(layer, at) for layer in range(model.cfg.n_layers) for at in range(model.cfg.n_heads)]


def test_patterns_and_scores_are_the_caches(model, run, cache):
    for layer, head in heads(model):
        close(weighted_attention(run, layer, head), cache["pattern", layer][0, head])
        close(weighted_attention(run, layer, head, "scores"), cache["attn_scores", layer][0, head])


def test_norm_weighted_attention_is_the_size_of_what_is_moved(model, run, cache):
    """Kobayashi et al. 2020, cell by cell."""
    size = model.cfg.n_heads // model.cfg.kv_heads
    for layer, head in heads(model):
        pattern, value = cache["pattern", layer][0, head], cache["v", layer][0, :, head // size]
        weights = model.blocks[layer].attn.W_O[head]
        by_value, by_writing = (
            weighted_attention(run, layer, head, measure) for measure in ("values", "writes")
        )
        for query, source in ((0, 0), (4, 1), (len(pattern) - 1, 3)):
            moved = pattern[query, source] * value[source]
            close(by_value[query, source], moved.norm())
            scale = model.cfg.residual_multiplier
            close(by_writing[query, source], (moved @ weights).norm() * scale)


def test_contributions_of_a_row_sum_to_the_heads_direct_attribution(model, run):
    for layer, head in heads(model):
        rows = weighted_attention(run, layer, head, "contribution", METRIC).sum(-1)
        for position in (0, 3, len(run.tokens) - 1):
            expected = read_head(run, layer, head, position, METRIC).attribution
            assert float(rows[position]) == pytest.approx(expected, abs=1e-9)


def test_a_contribution_to_nothing_is_refused(run):
    with pytest.raises(ValueError, match="name two answers"):
        weighted_attention(run, 0, 0, "contribution")


TOKENS = torch.tensor([9, 4, 7, 4, 7])


def scores_of(pattern):
    return named(head_scores(pattern[None], targets(TOKENS)))


def named(scores):
    return dict(zip(PROMPT_SCORES[:-1], scores[:, 0], strict=True))


def pointing(*sources):
    """A pattern in which each query looks at one source only."""
    return torch.nn.functional.one_hot(torch.tensor(sources), len(sources)).double()


@pytest.mark.parametrize(
    ("name", "sources"),
    [
        ("position 0", (0, 0, 0, 0, 0)),
        ("previous token", (0, 0, 1, 2, 3)),
        ("duplicate token", (0, 0, 0, 1, 2)),
        ("induction", (0, 0, 0, 2, 3)),
    ],
)
def test_a_head_of_a_kind_scores_1_and_its_opposite_0(name, sources):
    assert scores_of(pointing(*sources))[name] == 1
    itself = pointing(0, 1, 2, 3, 4)
    assert scores_of(itself)[name] == 0


def test_entropy_is_in_bits():
    even = torch.tril(torch.ones(5, 5, dtype=torch.float64))
    even = even / even.sum(-1, keepdim=True)
    expected = torch.log2(torch.tensor([2.0, 3, 4, 5], dtype=torch.float64)).mean()
    close(scores_of(even)["entropy"], expected)
    assert scores_of(pointing(0, 0, 1, 1, 2))["entropy"] == 0


def test_distance_is_in_tokens():
    assert scores_of(pointing(0, 1, 2, 3, 4))["distance"] == 0
    assert scores_of(pointing(0, 0, 1, 2, 3))["distance"] == 1
    assert scores_of(pointing(0, 0, 0, 0, 0))["distance"] == (1 + 2 + 3 + 4) / 4
    halves = (pointing(0, 0, 0, 0, 0) + pointing(0, 1, 2, 3, 4)) / 2
    assert scores_of(halves)["distance"] == (1 + 2 + 3 + 4) / 8


def test_what_a_head_writes_is_as_large_as_its_output(model, run, cache):
    *_, found = output_norms(run)
    for layer, head in heads(model):
        block = model.blocks[layer]
        written = cache["z", layer][0, :, head] @ block.attn.W_O[head]
        if model.cfg.has_post_norms:
            norm = block.ln1_post
            written = norm.at_scale(
                written,
                norm.scale(
                    cache["z", layer][0].flatten(1) @ block.attn.W_O.flatten(0, 1) + block.attn.b_O
                ),
            )
        close(found[layer, head], written.norm(dim=-1) * model.cfg.residual_multiplier)
    close(mean_output_norms(run), found[..., 1:].mean(-1))


def test_what_a_prompt_lacks_has_no_score():
    found = named(head_scores(pointing(0, 0, 1)[None], targets(torch.tensor([1, 2, 3]))))
    assert found["duplicate token"].isnan()
    assert found["induction"].isnan()
    assert head_scores(torch.ones(1, 1, 1), targets(torch.tensor([1]))).isnan().sum() >= 3


def test_the_strongest_edge_leaves_out_position_0():
    pattern = pointing(0, 0, 0, 1, 0) * 0.9
    pattern[4, 2] = 0.95
    value, place = strongest_edges(pattern[None])
    assert float(value[0]) == 0.95
    assert place.tolist() == [[4, 2]]
    assert strongest_edges(-pattern[None])[0].tolist() == [-0.95]
    assert strongest_edges(torch.ones(1, 1, 1))[1].tolist() == [[-1, -1]]
