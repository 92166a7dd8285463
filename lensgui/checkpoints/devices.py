"""Where a model can run on this machine, and whether there is enough memory for it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch

from lensgui.terms.errors import ModelError, is_out_of_memory
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.model import HookedTransformer

CONTAINER = Path("/sys/fs/cgroup")


def devices() -> tuple[str, ...]:
    """Return the devices of this machine, best first."""
    found = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return (*found, "cpu")


@lru_cache(maxsize=1)
def best_device() -> str:
    """Return the best device: CUDA; else MPS if a small forward there agrees with the CPU's.

    Else the CPU.

    MPS has been silently wrong in several releases of torch, so it is not taken at its word.
    """
    found = devices()
    if found[0] == "mps" and not _agrees_with_cpu("mps"):
        return "cpu"
    return found[0]


@torch.no_grad()
def _agrees_with_cpu(device: str) -> bool:
    """Return whether a small random model gives the same logits on a device as on the CPU."""
    from lensgui.transformer.config import HookedTransformerConfig
    from lensgui.transformer.model import HookedTransformer

    cfg = HookedTransformerConfig(
        n_layers=2, d_model=64, n_ctx=32, d_head=16, n_key_value_heads=2, d_vocab=50, act_fn="silu",
        normalization_type="RMS", positional_embedding_type="rotary", gated_mlp=True, seed=0,
    )  # fmt: skip
    model = HookedTransformer(cfg)
    tokens = torch.arange(24)[None]
    here = model(tokens)
    there = model.to(device)(tokens.to(device)).cpu()
    return bool(torch.allclose(here, there, atol=1e-3))


def free_bytes(device: torch.device | str) -> int:
    """Return how much memory can still be had where a device keeps its tensors, in bytes.

    Everything that asks, asks this; of a device that is not there, what the host has.
    """
    kind = torch.device(device).type
    if kind == "cuda" and torch.cuda.is_available():
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + unused
    if kind == "mps" and torch.backends.mps.is_available():
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return min(_available(), _left_in_container())


def _available() -> int:
    """Return how many bytes of host memory are free; a lot where nobody can say."""
    with suppress(ImportError):
        import psutil  # here, so that a model runs where there is torch and little else

        return int(psutil.virtual_memory().available)
    return 1 << 62


def reserve(device: torch.device | str, needed: int) -> None:
    """Refuse work that would run out of memory, before it is begun.

    Args:
        device: Where it is done.
        needed: How many bytes it takes.

    Raises:
        torch.OutOfMemoryError: If fewer are free.
    """
    free = free_bytes(device)
    if needed > free:
        raise torch.OutOfMemoryError(f"{device}: {needed:,} bytes are needed, {free:,} are free.")


def _left_in_container() -> int:
    """Return how many bytes the container that this process is in still gets; a lot without one."""
    with suppress(OSError, ValueError):
        limit = int((CONTAINER / "memory.max").read_text())
        used = int((CONTAINER / "memory.current").read_text())
        facts = (CONTAINER / "memory.stat").read_text().split()
        cached = int(facts[facts.index("inactive_file") + 1])  # given back when it is wanted
        return max(limit - used + cached, 0)
    return 1 << 62


def parameters_bytes(cfg: HookedTransformerConfig) -> int:
    """Return how many bytes a model's weights take; a tied embedding counts once."""
    return _weights(_outline(cfg), cfg.tied_embeddings)


def _outline(cfg: HookedTransformerConfig) -> HookedTransformer:
    """Return a model without memory of its own."""
    with torch.device("meta"):
        return HookedTransformer(replace(cfg, processing=[]), initialise=False)


def _weights(model: HookedTransformer, is_tied: bool) -> int:
    total = sum(weight.nbytes for weight in model.parameters())
    return total - model.unembed.W_U.nbytes if is_tied else total


def cache_bytes(cfg: HookedTransformerConfig, batch: int, positions: int) -> int:
    """Return how many bytes the activations take that `run_with_cache` keeps of everything.

    Activations that are one tensor under two names count once.

    Args:
        cfg: The model's numbers, its switches included.
        batch: How many prompts.
        positions: Tokens in each.
    """
    names = _outline(cfg).hook_dict
    return batch * positions * sum(_activation(cfg, name, positions) for name in names)


def _activation(cfg: HookedTransformerConfig, name: str, positions: int) -> int:
    """Return the bytes of an activation at each position; 0 where it isn't kept or is another's."""
    *path, leaf = name.split(".")
    if leaf in ("hook_scale", "hook_normalized"):
        width = _norm(cfg, path[-1], leaf)
    else:
        width = _widths(cfg, path, positions).get(leaf, 0)
    if leaf == "hook_expert_indices":
        return 8 * width
    is_half = cfg.dtype.itemsize < 4
    in_float32 = is_half and leaf in ("hook_scale", "hook_expert_weights")
    return width * (4 if in_float32 else cfg.dtype.itemsize)


def _norm(cfg: HookedTransformerConfig, norm: str, leaf: str) -> int:
    """Return how many numbers a norm shows at each position."""
    if cfg.normalization_type is None:
        return 0
    scales, width = 1, cfg.d_model
    if norm in ("q_norm", "k_norm"):
        heads = cfg.n_heads if norm == "q_norm" else cfg.kv_heads
        scales = 1 if cfg.qk_norm_weights == "across_heads" else heads
        width = heads * cfg.d_head // scales
    elif norm in ("q_latent_norm", "kv_latent_norm"):
        width = (cfg.q_rank if norm == "q_latent_norm" else cfg.kv_rank) or 0
        scales = cfg.n_heads if cfg.use_split_qkv_input or cfg.use_attn_in else 1
    elif norm == "ln":
        width = cfg.d_mlp or 0  # the norm after SoLU
    elif norm == "ln1" and cfg.use_split_qkv_input:
        scales = cfg.kv_heads  # of the values, which come last
    elif norm == "ln1" and cfg.use_attn_in:
        scales = cfg.n_heads
    return scales if leaf == "hook_scale" else scales * width


def _widths(cfg: HookedTransformerConfig, path: list[str], positions: int) -> dict[str, int]:
    """Return how many numbers the activations of a module hold at each position.

    One that is missing shares the memory of another.
    """
    d_model, heads = cfg.d_model, cfg.n_heads
    queries, keys = heads * cfg.d_head, cfg.kv_heads * cfg.d_head
    values, written = cfg.kv_heads * cfg.d_value, heads * cfg.d_value
    if path[-1:] == ["attn"]:
        readers = {"hook_q": queries, "hook_k": keys, "hook_v": values, "hook_z": written}
        copies = heads if cfg.use_split_qkv_input or cfg.use_attn_in else 1
        latents = {"hook_q_latent": cfg.q_rank, "hook_kv_latent": cfg.kv_rank}
        readers |= {name: copies * (rank or 0) for name, rank in latents.items()}
        scores = dict.fromkeys(("hook_attn_scores", "hook_pattern"), heads * positions)
        result = {"hook_result": heads * d_model * cfg.use_attn_result}
        return {**readers, "hook_rot_q": queries, "hook_rot_k": keys, **scores, **result}
    if path[-1:] in (["mlp"], ["shared"]):
        hidden = (cfg.d_mlp if path[-1] == "mlp" else cfg.d_shared_expert) or 0
        experts = {
            "hook_expert_weights": cfg.num_experts or 0,
            "hook_expert_indices": cfg.experts_per_token,
        }
        neurons = ("hook_pre", "hook_pre_linear", "hook_mid", "hook_post")
        return {**dict.fromkeys(neurons, hidden), **experts}
    if path == ["unembed"]:
        # Without weights the last norm's result goes straight on.
        has_own = cfg.normalization_type in ("LN", "RMS")
        return {"hook_in": d_model * has_own, "hook_out": cfg.d_vocab_out}
    is_first = path == ["blocks", "0"] and cfg.has_pos_embed
    return {
        "hook_embed": d_model,
        "hook_pos_embed": d_model,
        "hook_resid_pre": d_model
        * is_first,  # else the embedding, or resid_post of the layer before
        **dict.fromkeys(("hook_resid_mid", "hook_resid_post"), d_model),
        **dict.fromkeys(("hook_attn_out", "hook_mlp_out"), d_model),
        "hook_mlp_in": d_model * cfg.use_hook_mlp_in,
        "hook_q_input": heads * d_model * cfg.use_split_qkv_input,
        "hook_k_input": cfg.kv_heads * d_model * cfg.use_split_qkv_input,
        "hook_v_input": cfg.kv_heads * d_model * cfg.use_split_qkv_input,
    }


def require(model: HookedTransformer, will_untie: bool = False) -> None:
    """Refuse a model whose weights don't fit into what is free.

    Args:
        model: The model, its parameters on the meta device.
        will_untie: Whether the unembedding gets memory of its own.

    Raises:
        ModelError: If they don't; the sentence says what would.
    """
    cfg = model.cfg
    tied = cfg.tied_embeddings and not will_untie
    needed = _weights(model, tied)
    free = free_bytes(cfg.device)
    if needed > free:
        raise ModelError(
            f"{cfg.model_name} needs {_gigabytes(needed)} for its weights in {_name(cfg.dtype)}, "
            f"and {_gigabytes(free)} of {cfg.device} memory are free: {_advice(cfg, tied, free)}."
        )


@contextlib.contextmanager
def enough(cfg: HookedTransformerConfig) -> Iterator[None]:
    """Turn running out of memory into one sentence.

    Raises:
        ModelError: If it happens.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        needed, free = parameters_bytes(cfg), free_bytes(cfg.device)
        raise ModelError(
            f"{cfg.device} ran out of memory while {cfg.model_name} was loaded, whose weights "
            f"take {_gigabytes(needed)} in {_name(cfg.dtype)}: "
            f"{_advice(cfg, cfg.tied_embeddings, free)}."
        ) from error


def _advice(cfg: HookedTransformerConfig, tied: bool, free: int) -> str:
    """Return what to do where a model does not fit: what keeps most of it."""

    def size(dtype: torch.dtype, layers: int) -> int:
        return parameters_bytes(replace(cfg, dtype=dtype, n_layers=layers, tied_embeddings=tied))

    smaller = [torch.float32] if cfg.dtype == torch.float64 else []
    smaller += [torch.bfloat16] if cfg.dtype.itemsize > 2 else []
    for dtype in smaller:
        if size(dtype, cfg.n_layers) <= free:
            return f'dtype="{_name(dtype)}" would fit'
    dtype = smaller[-1] if smaller else cfg.dtype
    layers = _most(cfg.n_layers, lambda count: size(dtype, count) <= free)
    if layers:
        also = f' with dtype="{_name(dtype)}"' if smaller else ""
        return f"first_n_layers={layers}{also} would fit"
    return "close other programs, or choose a smaller model"


def _most(limit: int, fits: Callable[[int], bool]) -> int:
    """Return the largest number below a limit that fits; 0 if none does."""
    low, high = 0, limit
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 5e7 else f"{count / 1e6:.1f} MB"
