"""A prompt, a pair of prompts with the answers compared, and a row of a table of pairs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal

from lensgui.terms.interventions import Intervention
from lensgui.terms.metric import MetricName

TYPED = ("clean", "corrupted", "answer", "distractor")  # of a pair: what a user types
WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
SEPARATOR = "|"  # between the tokens of a set that counts as one answer


@dataclass(frozen=True, slots=True)
class Prompt:
    """One text for the model.

    Attributes:
        text: What the user typed; spaces count.
        bos: False: nothing is put in front; True: the tokenizer's own beginning-of-sequence token;
            a string: that token.
        under: Which pair it is of whose interventions it is run under; None for none.
        more: Token ids that stand behind the text, such as a model wrote there. Interventions see
            them as it does: the text's own positions are changed as if nothing stood behind them.
        word_roles: Of a prompt that means are over: named words of it, by which its positions are
            matched with those of prompts laid out differently.
    """

    text: str
    bos: bool | str = False
    under: Under | None = None
    more: tuple[int, ...] = ()
    word_roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True)
class Under:
    """The interventions that a prompt is run under.

    Attributes:
        pair: The pair's prompts, and what is done; nothing else of it matters.
        side: Which of its prompts is meant.
    """

    pair: PromptPair
    side: Literal["clean", "corrupted"]


@dataclass(frozen=True, slots=True)
class PromptPair:
    """A clean prompt, a corrupted one that differs in what matters, and the two answers compared.

    Attributes:
        clean: The prompt whose answer is right.
        corrupted: The prompt to patch into; "" while there is only one.
        answer: The token the clean prompt calls for, as text; "" for the likeliest token. Several
            that count as one stand with "|" between them: " 9| 8".
        distractor: What it is compared with, likewise; "" for the second likeliest token.
        bos: As `Prompt.bos`, for both prompts.
        metric: What is read at the end of each prompt.
        interventions: What is done to the model as it runs them, in order; those that are off too.
        reference: The prompts that means are taken over which interventions set something to.
        more: Token ids behind one of the prompts, as `Prompt.more`; answers are those without.
        more_behind: Which prompt that is.
        word_roles: Named words of the clean prompt, by which means over prompts laid out
            differently are matched; () while there are no means.
    """

    clean: str
    corrupted: str = ""
    answer: str = ""
    distractor: str = ""
    bos: bool | str = False
    metric: MetricName = "logit difference"
    interventions: tuple[Intervention, ...] = ()
    reference: tuple[Prompt, ...] = field(default=(), repr=False)
    more: tuple[int, ...] = field(default=(), repr=False)
    more_behind: Literal["clean", "corrupted"] = field(default="clean", repr=False)
    word_roles: tuple[Role, ...] = field(default=(), repr=False)

    @property
    def clean_prompt(self) -> Prompt:
        """The clean text, as a prompt."""
        return Prompt(self.clean, self.bos, self._under("clean"), self._more("clean"))

    @property
    def corrupted_prompt(self) -> Prompt:
        """The corrupted text, as a prompt."""
        return Prompt(self.corrupted, self.bos, self._under("corrupted"), self._more("corrupted"))

    def _more(self, side: Literal["clean", "corrupted"]) -> tuple[int, ...]:
        return self.more if side == self.more_behind else ()

    def _under(self, side: Literal["clean", "corrupted"]) -> Under | None:
        if not any(one.acts_on(side) for one in self.interventions):
            return None
        return Under(self.unanswered.acting, side)

    @property
    def unanswered(self) -> PromptPair:
        """The same without what is asked of it: its prompts, and what is done to the model."""
        return PromptPair(
            self.clean,
            self.corrupted,
            bos=self.bos,
            interventions=self.interventions,
            reference=self.reference,
            word_roles=self.word_roles,
        )

    @property
    def laid_out(self) -> tuple[Prompt, ...]:
        """Its texts as prompts that means are over, with the words that roles name in each."""
        roles = {self.clean: self.word_roles}
        roles.setdefault(self.corrupted, _counterparts(self))
        return tuple(Prompt(text, self.bos, word_roles=of) for text, of in roles.items() if text)

    @property
    def plain(self) -> PromptPair:
        """The same without interventions."""
        if not (self.interventions or self.reference or self.word_roles):
            return self
        return replace(self, interventions=(), reference=(), word_roles=())

    @property
    def typed(self) -> PromptPair:
        """The same without token ids behind a prompt."""
        return replace(self, more=(), more_behind="clean") if self.more else self

    @property
    def acting(self) -> PromptPair:
        """The same without what is off: it gives the same numbers."""
        acting = tuple(one for one in self.interventions if one.is_on)
        has_means = any(one.op == "mean" for one in acting)
        reference, roles = (self.reference, self.word_roles) if has_means else ((), ())
        if (acting, reference, roles) == (self.interventions, self.reference, self.word_roles):
            return self
        return replace(self, interventions=acting, reference=reference, word_roles=roles)

    @property
    def others(self) -> int:
        """How many prompts its means are over: each of its own prompts is left out of its mean."""
        own = {self.clean, self.corrupted} if self.clean else {of.text for of in self.reference}
        return len(self.reference) - any(of.text in own for of in self.reference)

    @property
    def has_name(self) -> bool:
        """Whether the answer that was typed begins like a name."""
        return self.answer.strip()[:1].isupper()

    @property
    def is_complete(self) -> bool:
        """Whether there are two prompts to compare."""
        return bool(self.clean and self.corrupted)


@dataclass(frozen=True, slots=True)
class Role:
    """A word of a prompt with a part to play, such as the subject or the indirect object.

    Attributes:
        name: Its part: "S1", "IO", "end".
        end: Where the word ends in the clean text, in characters; its last token is what is meant.
    """

    name: str
    end: int


@dataclass(frozen=True, slots=True)
class PairRow:
    """One row of a table of prompt pairs.

    Attributes:
        pair: The pair.
        roles: Words by which positions of different prompts are matched; () if nobody named any.
        is_included: Whether it counts in averages.
    """

    pair: PromptPair
    roles: tuple[Role, ...] = ()
    is_included: bool = True

    def under(
        self, interventions: tuple[Intervention, ...], reference: tuple[Prompt, ...] = ()
    ) -> PairRow:
        """Return the same, run under interventions, with the prompts that means are over."""
        roles = self.roles if reference else ()
        pair = replace(
            self.pair, interventions=interventions, reference=reference, word_roles=roles
        )
        return replace(self, pair=pair)


def words_of(text: str) -> list[re.Match[str]]:
    """Return the words and signs of a text, each with its place."""
    return list(WORD.finditer(text))


def _counterparts(pair: PromptPair) -> tuple[Role, ...]:
    """Return where the words that roles name stand in the corrupted text.

    Words are counted: in texts of as many words the third is the third, and the end is the end.
    """
    clean, corrupted = (
        [word.end() for word in words_of(text)] for text in (pair.clean, pair.corrupted)
    )
    places = dict(zip(clean, corrupted, strict=True)) if len(clean) == len(corrupted) else {}
    places[len(pair.clean)] = len(pair.corrupted)
    return tuple(
        replace(role, end=places[role.end]) for role in pair.word_roles if role.end in places
    )
