import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from lensgui.models import known_models
from lensgui.terms.resources import resource

FOLDER = known_models.path("toy")
EXAMPLE = json.loads((FOLDER / known_models.CARD).read_text())["example"]


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(FOLDER)


@pytest.fixture(scope="module")
def model():
    return AutoModelForCausalLM.from_pretrained(FOLDER, attn_implementation="eager").eval()


@pytest.mark.parametrize(
    "text",
    [
        EXAMPLE["clean"],
        "When John and Mary went to the store, John gave a drink to",
        " the red bird, the green tree.\nThe house!",
        "<|endoftext|> table",
        " ",
        "",
    ],
)
def test_token_texts_put_together_are_the_text(tokenizer, text):
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.unk_token_id not in ids
    assert "".join(tokenizer.decode([number]) for number in ids) == text
    assert tokenizer.decode(ids) == text


def test_a_word_carries_the_space_before_it(tokenizer):
    assert tokenizer.tokenize(" table green") == [" table", " green"]


@pytest.mark.parametrize("text", ["xyzzy", " 💥", "\0", "שלום"])
def test_what_it_does_not_know_is_unknown_not_an_error(tokenizer, text):
    assert tokenizer.unk_token_id in tokenizer(text)["input_ids"]


def test_the_vocabulary_is_small(tokenizer):
    assert len(tokenizer) <= 300


@pytest.mark.parametrize(("prompt", "sign"), [("clean", 1), ("corrupted", -1)])
def test_it_does_its_own_example_well(model, tokenizer, prompt, sign):
    with torch.no_grad():
        logits = model(torch.tensor([tokenizer(EXAMPLE[prompt])["input_ids"]])).logits[0, -1]
    answer, distractor = (
        tokenizer(EXAMPLE[name])["input_ids"] for name in ("answer", "distractor")
    )
    assert len(answer) == len(distractor) == 1
    assert sign * float(logits[answer[0]] - logits[distractor[0]]) > 10


def test_it_has_induction_heads_and_a_previous_token_head(model):
    length = 25
    generator = torch.Generator().manual_seed(0)
    tokens = 12 + torch.randperm(len(range(12, 285)), generator=generator)[:length]
    with torch.no_grad():
        attentions = model(tokens.repeat(2)[None], output_attentions=True).attentions
    rows = torch.arange(length, 2 * length)
    assert attentions[1][0][:, rows, rows - length + 1].mean(-1).max() > 0.6
    assert attentions[0][0][:, rows, rows - 1].mean(-1).max() > 0.5


def test_examples_are_whole():
    examples = json.loads(resource("examples", "examples.json").read_text(encoding="utf-8"))
    assert len({example["name"] for example in examples}) == len(examples) == 11
    for example in examples:
        assert example["clean"] != example["corrupted"]
        assert example["answer"] != example["distractor"]
        assert example["bos"] in (False, "<|endoftext|>")
        assert example["title"]
        assert example["description"].endswith(".")
