"""A model of GPT-2 small's shape with random weights: how fast it is does not depend on them."""

from pathlib import Path

import torch

from lensgui.terms.kinds import SweepKind
from lensgui.terms.metrics import LogitDifference
from tests.bench.environment import BUILD
from tests.bench.sweeps import Case, Pair

TOKENS, DIFFERS = 15, 10
END = "<|endoftext|>"


def folder() -> Path:
    """Its folder, which the first call makes: 12 layers of 12 heads, d_model 768, 50,257 tokens."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    where = BUILD / "gpt2-random"
    if not (where / "tokenizer.json").exists():  # written last
        torch.manual_seed(0)
        GPT2LMHeadModel(GPT2Config()).save_pretrained(where)
        words = Tokenizer(WordLevel({END: 50256, "a": 0}, unk_token=END))
        special = dict.fromkeys(("bos_token", "eos_token", "unk_token"), END)
        PreTrainedTokenizerFast(tokenizer_object=words, **special).save_pretrained(where)
    return where


def pair() -> Pair:
    """Two prompts that differ from position 10 on."""
    clean = torch.randint(0, 50256, (TOKENS,), generator=torch.Generator().manual_seed(0))
    corrupted = clean.clone()
    corrupted[DIFFERS:] += 1
    return Pair("GPT-2's shape", clean, corrupted, LogitDifference((262,), (257,)))


def cases() -> tuple[Case, ...]:
    """What is swept, and the bars of the demo model's sweeps."""
    return (
        Case(pair(), SweepKind("resid_pre"), (40, 80)),
        Case(pair(), SweepKind("z", "all"), (13, 25)),
    )
