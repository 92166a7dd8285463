"""The numbers that fix a transformer."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

import torch

from lensgui.terms.model_key import NUMBER_FORMATS
from lensgui.terms.transformer_lens.arguments import CONFIG, accepting
from lensgui.transformer.layers.activations import SOLU_LN, activation

Normalization = Literal["LN", "LNPre", "RMS", "RMSPre"]
Positions = Literal["standard", "rotary", "alibi", "shortformer", "none"]
AttentionKind = Literal["global", "local"]
QKNorm = Literal["shared", "per_head", "across_heads"]
ExpertWeighting = Literal["softmax", "sigmoid", "sparsemixer"]

DTYPES: dict[str, torch.dtype] = {name: getattr(torch, name) for name in NUMBER_FORMATS}

_WORDS: dict[str, tuple[Any, ...]] = {
    "normalization_type": (*get_args(Normalization), None),
    "positional_embedding_type": get_args(Positions),
    "attn_types": get_args(AttentionKind),
    "qk_norm_weights": get_args(QKNorm),
    "expert_weighting": get_args(ExpertWeighting),
    "dtype": tuple(DTYPES.values()),
}

_POSITIVE_OR_NONE = (
    "kv_rank",
    "q_rank",
    "expert_groups",
    "gate_limit",
    "attn_scale",
    "clip_qkv",
    "attn_scores_soft_cap",
    "output_logits_soft_cap",
)


@accepting(CONFIG)
@dataclass
class HookedTransformerConfig:
    """What a `HookedTransformer` is built from; field names are TransformerLens's.

    Limits and scales that are None may also be given as its -1.

    Attributes:
        n_layers: Number of blocks.
        d_model: Width of the residual stream.
        n_ctx: Longest sequence, in positions.
        d_head: Width of one head's queries and keys.
        d_value: Width of one head's values; -1 for d_head.
        kv_rank: Width of the latent that values are read through, and keys but for what turns of
            them, which all heads share (DeepSeek-AI 2024); None for none.
        q_rank: Width of the latent that queries are read through then; None for none.
        latent_eps: What the norms of latents add to the variance.
        n_heads: Query heads in a layer; -1 for d_model // d_head.
        n_key_value_heads: Key/value heads in a layer, each shared by a group of query heads; None
            for one each.
        d_mlp: Hidden width of the MLP; None for 4 * d_model.
        d_vocab: Number of input tokens.
        d_vocab_out: Number of output tokens; -1 for d_vocab.
        act_fn: The MLP's nonlinearity: "relu", "gelu", "gelu_new", "silu" …, or
            "solu_ln", which a LayerNorm follows.
        gate_limit: c, where experts clamp their gate to at most c and their linear branch to ±c,
            and add 1 to the latter (gpt-oss); None for none.
        eps: What the norms add to the variance.
        normalization_type: LayerNorm or RMSNorm; "…Pre" when its weights are folded into what reads
            it; None for none.
        final_rms: Whether the last norm is an RMSNorm where the others are LayerNorms.
        use_normalization_before_and_after: Whether what attention and MLP write is normalised too,
            by ln1_post and ln2_post (Gemma 2).
        use_normalization_after_only: Whether only what they write is, and not what they read (OLMo
            2): there is no ln1 and no ln2 then.
        post_embedding_ln: Whether the embedding ends in a LayerNorm of its own (BLOOM).
        embedding_multiplier: What the embedding is multiplied by as it enters the residual stream.
        residual_multiplier: What attention and MLP outputs are multiplied by as they enter it.
        logit_scale: What logits are multiplied by, before any soft cap.
        positional_embedding_type: Learned and added, rotary, attention bias, none, or learned and
            added to what queries and keys read, behind the norm (Press et al. 2021).
        rotary_dim: How many of d_head's dimensions rotate, the first ones, or with kv_rank the
            last; None for all.
        rotary_base: Rotary wavelengths are rotary_base ** (2i / rotary_dim).
        rotary_adjacent_pairs: Whether dimensions (2i, 2i + 1) rotate together, rather than (i, i +
            rotary_dim / 2).
        rotary_frequencies: Radians per position of each pair, [rotary_dim / 2], where they are
            scaled for long contexts.
        rotary_scale: What cosine and sine are multiplied by (YaRN's attention factor).
        rotary_base_local: rotary_base of the local layers, unscaled; None for the same rotation
            everywhere.
        rotary_layers: Whether each layer rotates; None if all do.
        window_size: How many positions back a query of a local layer may look, itself included.
        attn_types: "global" or "local" for each layer; None if all are global.
        attn_scale: What scores are divided by; None for sqrt(d_head).
        scale_attn_by_inverse_layer_idx: Whether layer l divides them by l + 1 too.
        clip_qkv: c, where queries, keys and values are clamped to ±c; None for none.
        use_qk_norm: Whether queries and keys are normalised before they turn.
        qk_norm_weights: Whether that norm's weights are shared by all heads, a head's own, or its
            own and the size taken across all heads together.
        use_attn_sinks: Whether each head can also attend to nothing, as strongly as its sink says;
            rows of the pattern then sum to less than 1.
        attn_scores_soft_cap: c in c·tanh(scores / c); None for none.
        output_logits_soft_cap: Likewise for the logits.
        gated_mlp: Whether the MLP is act(gate) · linear.
        attn_only: Whether there are no MLPs.
        parallel_attn_mlp: Whether the MLP reads what attention reads: there is no resid_mid then.
        num_experts: How many experts an MLP has; None for a plain MLP.
        experts_per_token: How many of them each token uses.
        d_expert: Hidden width of an expert; None for d_mlp.
        d_shared_expert: Hidden width of the expert that every token uses too; None for none.
        shared_expert_gate: Whether a gate says how much of that expert a token uses.
        expert_layers: Whether each layer has experts, rather than a plain MLP; None if all do.
        expert_weighting: Whether an expert weighs its softmax among all, its own sigmoid, or if
            chosen in turn its softmax among those left that are nearly the best (SparseMixer).
        router_tolerance: How far below the best score theirs may lie, as a share of it.
        expert_groups: How many groups experts are in; None for none.
        groups_per_token: How many of them each token chooses its experts from.
        group_best: How many of a group's best experts add up to what it is chosen by.
        use_expert_bias: Whether experts are chosen by their weight and a bias.
        expert_scale: What the weights of the experts used are multiplied by in the end.
        norm_topk_prob: Whether the weights of the experts used are divided by their sum.
        tied_embeddings: Whether W_U is W_E transposed, sharing its memory.
        use_attn_result: Whether each head's output is computed for `attn.hook_result` (memory!).
        use_split_qkv_input: Whether queries, keys and values read residual copies of their own, a
            head each.
        use_attn_in: Whether each head reads a copy of its own of the residual.
        use_hook_mlp_in: Whether the MLP's input has a hook before its norm.
        default_prepend_bos: Whether a beginning-of-sequence token goes in front when nobody says.
        model_name: What the model is called.
        original_architecture: The Hugging Face `model_type` it came from.
        device: Where it runs.
        dtype: The number format of its weights and activations.
        init_range: Standard deviation of random weights; None for 0.8 / sqrt(d_model).
        seed: Seed of random weights; None to leave torch's generator alone.
        processing: What folding did and what it skipped, in words, in order.
    """

    n_layers: int
    d_model: int
    n_ctx: int
    d_head: int
    n_heads: int = -1
    d_value: int = -1
    kv_rank: int | None = None
    q_rank: int | None = None
    latent_eps: float = 1e-6
    n_key_value_heads: int | None = None
    d_mlp: int | None = None
    d_vocab: int = -1
    d_vocab_out: int = -1
    act_fn: str = "gelu_new"
    gate_limit: float | None = None
    eps: float = 1e-5
    normalization_type: Normalization | None = "LN"
    final_rms: bool = False
    use_normalization_before_and_after: bool = False
    use_normalization_after_only: bool = False
    post_embedding_ln: bool = False
    embedding_multiplier: float = 1.0
    residual_multiplier: float = 1.0
    logit_scale: float = 1.0
    positional_embedding_type: Positions = "standard"
    rotary_dim: int | None = None
    rotary_base: float = 10000.0
    rotary_adjacent_pairs: bool = False
    rotary_frequencies: tuple[float, ...] | None = None
    rotary_scale: float = 1.0
    rotary_base_local: float | None = None
    rotary_layers: tuple[bool, ...] | None = None
    window_size: int | None = None
    attn_types: tuple[AttentionKind, ...] | None = None
    attn_scale: float | None = None
    scale_attn_by_inverse_layer_idx: bool = False
    clip_qkv: float | None = None
    use_qk_norm: bool = False
    qk_norm_weights: QKNorm = "shared"
    use_attn_sinks: bool = False
    attn_scores_soft_cap: float | None = None
    output_logits_soft_cap: float | None = None
    gated_mlp: bool = False
    attn_only: bool = False
    parallel_attn_mlp: bool = False
    num_experts: int | None = None
    experts_per_token: int = 1
    d_expert: int | None = None
    d_shared_expert: int | None = None
    shared_expert_gate: bool = True
    expert_layers: tuple[bool, ...] | None = None
    expert_weighting: ExpertWeighting = "softmax"
    router_tolerance: float = 0.02
    expert_groups: int | None = None
    groups_per_token: int = 1
    group_best: int = 1
    use_expert_bias: bool = False
    expert_scale: float = 1.0
    norm_topk_prob: bool = False
    tied_embeddings: bool = False
    use_attn_result: bool = False
    use_split_qkv_input: bool = False
    use_attn_in: bool = False
    use_hook_mlp_in: bool = False
    default_prepend_bos: bool = True
    model_name: str = "custom"
    original_architecture: str | None = None
    device: str = "cpu"
    dtype: torch.dtype = torch.float32
    init_range: float | None = None
    seed: int | None = None
    processing: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Fill in what follows from the rest.

        Raises:
            ValueError: If the numbers contradict each other, or a word is not known.
        """
        self._check_words()
        for name in _POSITIVE_OR_NONE:
            if (getattr(self, name) or 0) <= 0:
                setattr(self, name, None)
        self._fill_in()
        if self.n_key_value_heads is not None and self.n_heads % self.n_key_value_heads:
            raise ValueError(
                f"n_heads = {self.n_heads} is not a multiple of n_key_value_heads = "
                f"{self.n_key_value_heads}."
            )
        if self.attn_types is not None and "local" in self.attn_types and self.window_size is None:
            raise ValueError("attn_types has local layers, which need a window_size.")
        if self.positional_embedding_type == "shortformer" and self.has_post_norms:
            raise ValueError("Shortformer positions and norms behind attention do not go together.")
        self._check_latents()
        self._check_groups()

    def _check_latents(self) -> None:
        is_plain = self.kv_heads == self.n_heads and self.clip_qkv is None
        if self.kv_rank and not (is_plain and self.positional_embedding_type == "rotary"):
            raise ValueError(
                "Latent attention, with kv_rank, needs rotary positions and a key for each query "
                "head, and clips nothing."
            )

    def _check_groups(self) -> None:
        groups, count = self.expert_groups, self.num_experts or 0
        if groups is None:
            return
        size = count // groups
        if count % groups or self.group_best > size or self.groups_per_token > groups:
            raise ValueError(f"{count} experts are not in {groups} groups that can be chosen from.")
        if self.experts_per_token > size * self.groups_per_token:
            raise ValueError(
                f"A token uses {self.experts_per_token} experts, and the groups that it chooses "
                f"have {size * self.groups_per_token}."
            )

    def _check_words(self) -> None:
        for name, known in _WORDS.items():
            value = getattr(self, name)
            for word in (value or ()) if name == "attn_types" else (value,):
                if word not in known:
                    choice = ", ".join(map(repr, known))
                    raise ValueError(f"{name} has {word!r}, which is not known; choose {choice}.")
        if not self.attn_only:
            activation(self.act_fn)
            is_plain = not (self.gated_mlp or self.num_experts)
            if self.act_fn == SOLU_LN and not (is_plain and "LN" in str(self.normalization_type)):
                raise ValueError('act_fn "solu_ln" needs LayerNorm, and no gates or experts.')
        try:
            torch.device(self.device)
        except (RuntimeError, TypeError):
            raise ValueError(
                f"device is {self.device!r}, which torch does not know; name one such as 'cpu'."
            ) from None

    def _fill_in(self) -> None:
        if self.n_heads == -1:
            self.n_heads = self.d_model // self.d_head
        if self.d_value == -1:
            self.d_value = self.d_head
        if self.d_mlp is None and not self.attn_only:
            self.d_mlp = 4 * self.d_model
        if self.d_vocab_out == -1:
            self.d_vocab_out = self.d_vocab
        if self.attn_scale is None:
            self.attn_scale = self.d_head**0.5
        if self.rotary_dim is None and self.positional_embedding_type == "rotary":
            self.rotary_dim = self.d_head
        self.final_rms &= self.normalization_type in ("LN", "LNPre")  # else it is like the others
        if self.init_range is None or self.init_range < 0:
            self.init_range = 0.8 / self.d_model**0.5

    @property
    def has_pos_embed(self) -> bool:
        """Whether positions have learned embeddings."""
        return self.positional_embedding_type in ("standard", "shortformer")

    @property
    def kv_heads(self) -> int:
        """How many key/value heads a layer has."""
        return self.n_key_value_heads or self.n_heads

    @property
    def heads_per_group(self) -> int:
        """How many query heads share a key/value head; head h reads key/value head h // this."""
        return self.n_heads // self.kv_heads

    def score_scale(self, layer: int) -> float:
        """Return what a layer's products of queries and keys are multiplied by."""
        assert self.attn_scale is not None
        return 1.0 / (self.attn_scale * (layer + 1 if self.scale_attn_by_inverse_layer_idx else 1))

    @property
    def is_rms(self) -> bool:
        """Whether norms divide by the root mean square without centring."""
        return self.normalization_type in ("RMS", "RMSPre")

    @property
    def is_folded(self) -> bool:
        """Whether the norms' weights have moved into what reads them."""
        return self.normalization_type in ("LNPre", "RMSPre")

    @property
    def has_pre_norms(self) -> bool:
        """Whether attention and MLP read through norms, ln1 and ln2."""
        return not self.use_normalization_after_only

    @property
    def has_post_norms(self) -> bool:
        """Whether they write through norms, ln1_post and ln2_post."""
        return self.use_normalization_before_and_after or self.use_normalization_after_only

    @property
    def has_middle(self) -> bool:
        """Whether a layer has a stream between attention and MLP, resid_mid."""
        return not (self.attn_only or self.parallel_attn_mlp)

    @property
    def n_params(self) -> int:
        """How many weights the layers' matrices hold, routers included, embeddings not."""
        if self.attn_only:
            return self.n_layers * self._n_attention
        plain = (2 + self.gated_mlp) * self.d_model * (self.d_mlp or 0)
        width = (self.num_experts or 0) * (self.d_expert or self.d_mlp or 0)
        has_gate = self.d_shared_expert is not None and self.shared_expert_gate
        routers = (self.num_experts or 0) + has_gate
        experts = self.d_model * (3 * (width + (self.d_shared_expert or 0)) + routers)
        mlps = (experts if self.has_experts(at) else plain for at in range(self.n_layers))
        return self.n_layers * self._n_attention + sum(mlps)

    @property
    def _n_attention(self) -> int:
        """How many weights a layer's attention holds in its matrices."""
        width, queries = self.d_model, self.n_heads * self.d_head
        values = self.kv_heads * self.d_value
        output = self.n_heads * self.d_value * width
        if self.kv_rank is None:
            return width * (queries + self.kv_heads * self.d_head + values) + output
        turning = self.rotary_dim or 0
        keys = width * (self.kv_rank + turning)
        made = self.kv_rank * (queries - self.n_heads * turning + values)
        asked = width * queries if self.q_rank is None else self.q_rank * (width + queries)
        return asked + keys + made + output

    def window(self, layer: int) -> int | None:
        """Return how many positions back a layer's queries may look; None for all."""
        is_local = self.attn_types is not None and self.attn_types[layer] == "local"
        return self.window_size if is_local else None

    def rotation(self, layer: int) -> AttentionKind | None:
        """Return which of the model's rotations turns a layer's queries and keys, if any."""
        if self.positional_embedding_type != "rotary":
            return None
        if self.rotary_layers is not None and not self.rotary_layers[layer]:
            return None
        is_local = self.rotary_base_local is not None and self.window(layer) is not None
        return "local" if is_local else "global"

    def has_experts(self, layer: int) -> bool:
        """Whether a layer's MLP is a mixture of experts."""
        if self.num_experts is None:
            return False
        return self.expert_layers is None or self.expert_layers[layer]

    def to_dict(self) -> dict[str, Any]:
        """Return every field by name."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> HookedTransformerConfig:
        """Build a config from fields by name.

        Args:
            fields: Values by field name.

        Returns:
            The config.
        """
        return cls(**fields)
