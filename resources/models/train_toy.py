"""Trains the built-in toy: a two-layer GPT-2 that learns to continue what it has seen before.

Run it as `python resources/models/train_toy.py`; it takes a few minutes on one core and writes the
folder `toy` beside itself. Everything is seeded. Two layers are enough for induction (Olsson et al.
2022): a head of the first layer tells each position which word came before it, and a head of the
second looks for the place where the present word came before, and copies what followed.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

FOLDER = Path(__file__).resolve().parent / "toy"
UNKNOWN, START = "[UNK]", "<|endoftext|>"
CONTEXT = 128  # positions
SEED = 0
WORDS = tuple(Path(__file__).with_name("toy_words.txt").read_text(encoding="utf-8").split())
NAMES = ("John", "Mary", "Tom", "Anna", "Dave", "Kate", "Paris", "Rome", "Berlin", "Tokyo")
BARE = ("When", "The", "A", "In", "On", "It", "I", "He", "She")
MARKS = (",", ".", "!", "?", ":", ";", '"', "'", "\n", " ")


@dataclass(frozen=True, slots=True)
class Training:
    """What fixes a training run.

    Attributes:
        steps: How many updates.
        easy: How many of them, at first, on short passages: induction forms far sooner.
        batch: Texts in a batch; twice as many while they are short.
        rate: The highest learning rate, reached after 100 steps and lowered over the last 40 %.
        decay: Weight decay. With little of it the model finds another way than induction, which
            relays each word through a later position.
    """

    steps: int = 1600
    easy: int = 700
    batch: int = 32
    rate: float = 1e-3
    decay: float = 0.3

    def share(self, step: int) -> float:
        """Return the learning rate of a step, as a share of the highest."""
        return min(1.0, (step + 1) / 100, (self.steps - step) / (0.4 * self.steps))


def vocabulary() -> dict[str, int]:
    """Return every token and its id: words carry the space before them, as in larger models."""
    spaced = [f" {word}" for word in [*WORDS, *NAMES]]
    tokens = [UNKNOWN, START, *MARKS, *BARE, *NAMES, *spaced]
    return {token: number for number, token in enumerate(dict.fromkeys(tokens))}


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer whose tokens, put one after the other, are the text again."""
    tokenizer = Tokenizer(models.WordLevel(vocabulary(), unk_token=UNKNOWN))
    pieces = Regex(r" ?\w+| ?[^\w\s]|\s")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(pieces, behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token=UNKNOWN,
        bos_token=START,
        eos_token=START,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def random_words(count: int, generator: torch.Generator) -> Tensor:
    """Return that many tokens without a repetition (as far as the vocabulary goes), [count]."""
    return 2 + torch.randperm(len(vocabulary()) - 2, generator=generator)[:count]


def said_twice(size: int, length: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return `size` passages of `length` random words said twice, and which words are foreseeable.

    Returns:
        Token ids, [text, position], and whether what stands before tells each, [text, position].
    """
    tokens = torch.stack([random_words(length, generator).repeat(2) for _ in range(size)])
    return tokens, (torch.arange(2 * length) > length).expand_as(tokens)


def texts_of(training: Training, step: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return a step's batch, with what `said_twice` returns; later on, half begin with a start."""
    if step < training.easy:
        length = int(torch.randint(4, 20, (), generator=generator))
        return said_twice(2 * training.batch, length, generator)
    length = int(torch.randint(4, CONTEXT // 2, (), generator=generator))
    tokens, foreseen = said_twice(training.batch, length, generator)
    if step % 2:
        tokens = torch.cat([torch.ones(len(tokens), 1, dtype=tokens.dtype), tokens], dim=1)
        foreseen = torch.cat([torch.zeros(len(tokens), 1, dtype=torch.bool), foreseen], dim=1)
    return tokens, foreseen


def loss_of(model: GPT2LMHeadModel, tokens: Tensor, foreseen: Tensor) -> Tensor:
    """Return the mean loss in nats over the tokens that could be foreseen.

    Args:
        model: The model.
        tokens: Token ids, [text, position].
        foreseen: Which tokens count, [text, position].
    """
    logits = model(tokens, use_cache=False).logits[:, :-1]
    wanted = foreseen[:, 1:]
    return cross_entropy(logits[wanted], tokens[:, 1:][wanted])


def train(training: Training) -> GPT2LMHeadModel:
    """Return a trained model; prints its loss on the way."""
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    config = GPT2Config(
        vocab_size=len(vocabulary()),
        n_positions=CONTEXT,
        n_embd=64,
        n_layer=2,
        n_head=4,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        initializer_range=0.05,
        bos_token_id=1,
        eos_token_id=1,
    )
    model = GPT2LMHeadModel(config).train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=training.rate, betas=(0.9, 0.98), weight_decay=training.decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, training.share)
    for step in range(training.steps):
        loss = loss_of(model, *texts_of(training, step, generator))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"step {step:5d}  loss {loss.item():.3f}", flush=True)
    return model.eval()


@torch.no_grad()
def measure(model: GPT2LMHeadModel, length: int = 25, texts: int = 64) -> dict[str, object]:
    """Return the loss and what each head attends to, on random words repeated once.

    Returns:
        `loss` over the second half and `first_loss` over the first, in nats; `induction`
        A[i, i − n + 1] over the second half and `previous` A[i, i − 1]; each [layer][head].
    """
    generator = torch.Generator().manual_seed(SEED + 1)
    model.set_attn_implementation("eager")
    tokens, second = said_twice(texts, length, generator)
    out = model(tokens, output_attentions=True)
    rows = torch.arange(length, 2 * length)
    after = torch.arange(1, 2 * length)
    induction = [a[:, :, rows, rows - length + 1].mean((0, 2)).tolist() for a in out.attentions]
    previous = [a[:, :, after, after - 1].mean((0, 2)).tolist() for a in out.attentions]
    return {
        "loss": loss_of(model, tokens, second).item(),
        "first_loss": loss_of(model, tokens, ~second).item(),
        "induction": induction,
        "previous": previous,
    }


CARD = {
    "name": "toy",
    "title": "Toy: two-layer induction model",
    "licence": "Apache-2.0",
    "source": "built in; trained by resources/models/train_toy.py",
    "example": {
        "clean": " table green seven music apple house river table green seven music",
        "corrupted": " table green seven music stone house river table green seven music",
        "answer": " apple",
        "distractor": " stone",
    },
}


def main() -> None:
    """Train, save and print what the model card quotes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=Training().steps)
    torch.set_num_threads(1)
    model = train(Training(steps=parser.parse_args().steps))
    model.save_pretrained(FOLDER)
    make_tokenizer().save_pretrained(FOLDER)
    (FOLDER / "lensgui.json").write_text(json.dumps(CARD, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(measure(model), indent=1))


if __name__ == "__main__":
    main()
