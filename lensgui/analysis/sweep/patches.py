"""What one cell of a sweep puts into the base run, and where it enters the layers."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from lensgui.analysis.run.recording import Recorded
from lensgui.analysis.run.run import Run
from lensgui.terms.kinds import SweepKind
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.layers.attention import mix
from lensgui.transformer.layers.span import Span
from lensgui.transformer.model import HookedTransformer

Stage = Literal["pre", "mid", "post"]


def map_shape(kind: SweepKind, model: HookedTransformer, length: int) -> tuple[int, ...]:
    """Return the sizes of a map's axes, for prompts of a length."""
    cfg = model.cfg
    sizes = {"position": length, "source": length}
    sizes |= {"layer": cfg.n_layers, "head": cfg.n_heads, "key_value_head": cfg.kv_heads}
    return tuple(sizes[axis] for axis in kind.axes)


class Patch:
    """One kind of cell: which cells there are, which of them change anything, and what they put in.

    An index is a cell's place on the map's axes after the layer.

    Attributes:
        stage: Where its cells enter a layer: before it, between attention and MLP, or after it.
        shape: The sizes of the map's axes after the layer.
    """

    stage: Stage

    def __init__(self, kind: SweepKind, run: Run, source: Recorded, base: Recorded) -> None:
        """Patch from a recording into a complete run of the same length, and its recording."""
        self.kind, self.run, self.model = kind, run, run.model
        self.source, self.base = source, base
        self.shape = map_shape(kind, self.model, len(run.tokens))[1:]

    def unchanged(self, layer: int) -> Tensor:
        """Return which cells put in, bit for bit, what is there already, [*shape]."""
        raise NotImplementedError

    def entering(self, end: int) -> int:
        """Return how many numbers a cell needs beside its rows where it enters.

        Args:
            end: The position after the last one that is read.
        """
        return 0

    def same_input(self, layer: int) -> Tensor:
        """Return where a layer reads the same in both runs, bit for bit, [position].

        What is made of one position alone is equal there, however products have rounded it.
        """
        return (self.source.residual(layer) == self.base.residual(layer)).all(-1)

    def start(self, index: tuple[int, ...]) -> int | None:
        """Return the first position that a cell changes; None for where the runs first differ."""
        axes = self.kind.axes[1:]
        return index[axes.index("position")] if "position" in axes else None

    def rows(self, layer: int, indices: list[tuple[int, ...]], span: Span) -> Tensor:
        """Return the stream of cells at their stage over a span, [cell, position, d_model]."""
        raise NotImplementedError


class ResidualPatch(Patch):
    """A vector of the residual stream, or of what attention or an MLP adds, at one position."""

    def __init__(self, kind: SweepKind, run: Run, source: Recorded, base: Recorded) -> None:
        """Patch "resid_pre", "resid_mid", "resid_post", "attn_out" or "mlp_out"."""
        stages: dict[str, Stage] = {"resid_pre": "pre", "resid_mid": "mid", "attn_out": "mid"}
        self.stage = stages.get(kind.activation, "post")
        super().__init__(kind, run, source, base)

    def _value(self, recording: Recorded, layer: int) -> Tensor:
        """Return what is patched, [position, d_model]."""
        match self.kind.activation:
            case "resid_pre":
                return recording.residual(layer)
            case "resid_post":
                return recording.residual(layer + 1)
            case "resid_mid":
                return recording.residual(layer) + recording("attn_out", layer)
            case name:
                return recording(name, layer)

    def _stream(self, layer: int, value: Tensor) -> Tensor:
        """Return the base run's stream at the stage with a value as the patched activation."""
        resid_pre = self.base.residual(layer)
        match self.kind.activation:
            case "attn_out":
                return resid_pre + value
            case "mlp_out":
                return resid_pre + self.base("attn_out", layer) + value
            case _:
                return value

    def unchanged(self, layer: int) -> Tensor:
        """Return where both runs have the same vector, [position]."""
        same = (self._value(self.source, layer) == self._value(self.base, layer)).all(-1)
        reads_alone = self.kind.activation == "mlp_out" and self.model.cfg.parallel_attn_mlp
        return same | self.same_input(layer) if reads_alone else same

    def rows(self, layer: int, indices: list[tuple[int, ...]], span: Span) -> Tensor:
        """Return the stream of cells, which all enter at the span's first position."""
        where = slice(span.past, span.past + span.length)
        rows = self._stream(layer, self._value(self.base, layer))[where].clone()
        rows[0] = self._stream(layer, self._value(self.source, layer))[span.past]
        return rows.expand(len(indices), -1, -1)


class HeadPatch(Patch):
    """The output, query, key, value or pattern of one head; of one key/value head for k and v."""

    stage = "mid"

    def unchanged(self, layer: int) -> Tensor:
        """Return where both runs have the same numbers, [*shape]."""
        name = self.kind.activation
        same = self.source(name, layer) == self.base(name, layer)
        if name == "pattern":
            dims = {"edge": (), "position": (-1,), "all": (-2, -1)}[self.kind.extent]
            return same.all(dims) if dims else same
        same = same.all(-1)
        if name in ("q", "k", "v"):
            same |= self.same_input(layer)[:, None]
        return same.all(0) if self.kind.extent == "all" else same

    def rows(self, layer: int, indices: list[tuple[int, ...]], span: Span) -> Tensor:
        """Return resid_mid of cells, attention being worked out again from what was patched."""
        where = slice(span.past, span.past + span.length)
        block = self.model.blocks[layer]
        z = getattr(self, f"_z_from_{self.kind.activation}")(layer, indices, span)
        return block.with_heads(self.run.residuals[layer][None, where], z)

    def entering(self, end: int) -> int:
        """Return the size of what is patched, up to the end, and of what is made of it."""
        cfg = self.model.cfg
        vectors, pattern = end * cfg.n_heads * cfg.d_head, end * end * cfg.n_heads
        return 2 * pattern if self.kind.activation == "pattern" else 4 * vectors

    def _patched(self, layer: int, name: str, indices: list[tuple[int, ...]], end: int) -> Tensor:
        """Return an activation of the base run with each cell's part from the source run.

        Returns:
            [cell, position, head, d_head], or [cell, head, position, source], up to `end`.
        """
        base, source = (run(name, layer) for run in (self.base, self.source))
        if name == "pattern":
            base, source = base[:, :end, :end], source[:, :end, :end]
        else:
            base, source = base[:end], source[:end]
        patched = base.repeat(len(indices), *(1,) * base.ndim)
        for cell, index in zip(patched, indices, strict=True):
            part = index if self.kind.extent != "all" else self._everywhere(index)
            cell[part] = source[part]
        return patched

    def _everywhere(self, index: tuple[int, ...]) -> tuple[slice | int, ...]:
        """Return the index of one head at all positions."""
        return index if self.kind.activation == "pattern" else (slice(None), *index)

    def _z_from_z(self, layer: int, indices: list[tuple[int, ...]], span: Span) -> Tensor:
        return self._patched(layer, "z", indices, span.past + span.length)[:, span.past :]

    def _z_from_q(self, layer: int, indices: list[tuple[int, ...]], span: Span) -> Tensor:
        attn, end = self.model.blocks[layer].attn, span.past + span.length
        q = self._patched(layer, "q", indices, end)[:, span.past :]
        pattern = attn.pattern(attn.turned_queries(q, span), [self._keys(layer, end)], span)
        return mix(pattern, [self._values(layer, end)])

    def _z_from_k(self, layer: int, indices: list[tuple[int, ...]], span: Span) -> Tensor:
        attn, end = self.model.blocks[layer].attn, span.past + span.length
        whole = Span(self.model.cfg, end, device=span.positions.device)
        keys = attn.turned_keys(self._patched(layer, "k", indices, end), whole)
        q = attn.turned_queries(self.base("q", layer)[None, span.past : end], span)
        pattern = attn.pattern(q.expand(len(indices), -1, -1, -1), [keys], span)
        return mix(pattern, [self._values(layer, end)])

    def _z_from_v(self, layer: int, indices: list[tuple[int, ...]], span: Span) -> Tensor:
        end = span.past + span.length
        values = self._patched(layer, "v", indices, end)
        pattern = self.base("pattern", layer)[None, :, span.past : end, :end]
        return mix(pattern.expand(len(indices), -1, -1, -1), [values])

    def _z_from_pattern(self, layer: int, indices: list[tuple[int, ...]], span: Span) -> Tensor:
        end = span.past + span.length
        pattern = self._patched(layer, "pattern", indices, end)[:, :, span.past :]
        return mix(pattern, [self._values(layer, end)])

    def _keys(self, layer: int, end: int) -> Tensor:
        return self.run.keys[layer][:, :end]

    def _values(self, layer: int, end: int) -> Tensor:
        return self.run.values[layer][:, :end]


def needed(kind: SweepKind) -> frozenset[str]:
    """Return the activations that a kind of sweep reads of both runs."""
    name = kind.activation
    several: dict[str, tuple[str, ...]] = {
        "mlp_out": ("attn_out", "mlp_out"),
        "k": ("q", "k"),
        "v": ("v", "pattern"),
    }
    several |= {"resid_pre": (), "resid_mid": ("attn_out",), "resid_post": ()}
    return frozenset(several.get(name, (name,)))


def make_patch(kind: SweepKind, run: Run, source: Recorded, base: Recorded) -> Patch:
    """Return the patch of a kind of sweep.

    Args:
        kind: What cells replace.
        run: The complete run that is patched into.
        source: The run that is patched from.
        base: The activations of `run`, made by the same operations as those of `source`.

    Raises:
        ValueError: If the model has no such activation.
    """
    check_kind(kind, run.model.cfg)
    return (HeadPatch if kind.is_of_heads else ResidualPatch)(kind, run, source, base)


def check_kind(kind: SweepKind, cfg: HookedTransformerConfig) -> None:
    """Refuse to sweep what a model does not have.

    Raises:
        ValueError: If the model has no such activation.
    """
    if kind.activation == "resid_mid" and cfg.parallel_attn_mlp:
        raise ValueError(f"{cfg.model_name} has parallel blocks, which have no resid_mid.")
