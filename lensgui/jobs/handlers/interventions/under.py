"""Runs of pairs under those of their interventions that can be done."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Literal

from lensgui.analysis.continuation import run_behind
from lensgui.analysis.interventions.listed import Interventions
from lensgui.analysis.interventions.reference import MOST_RUNS, Reference
from lensgui.analysis.interventions.under import intervened_runs
from lensgui.analysis.pairs.under import places_under, prompts_of_means
from lensgui.analysis.run.run import Run
from lensgui.analysis.run.together import run_together
from lensgui.prompts.pair import Prompt, PromptPair, Under
from lensgui.terms.interventions import SETTING, Intervention
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.model import HookedTransformer

MOST_UNDER = 8  # runs under interventions that are kept
MOST_LONGER = 4  # likewise with tokens behind the prompt
MOST_REFERENCES = 2  # sets of prompts that means are over

Runs = tuple[Run, Run | None]


class RunsUnder:
    """Runs under interventions of one model, and the prompts that means are over."""

    def __init__(self, plain: Callable[[HookedTransformer, PromptPair], Runs]) -> None:
        """Run nothing yet.

        Args:
            plain: Gives the runs of a pair's prompts without interventions.
        """
        self._plain, self._most_bytes = plain, MOST_RUNS
        self._runs: OrderedDict[Under, Run] = OrderedDict()
        self._longer: OrderedDict[tuple[Under, tuple[int, ...]], Run] = OrderedDict()
        self._faults: OrderedDict[PromptPair, dict[Intervention, str]] = OrderedDict()
        self._references: OrderedDict[tuple[Prompt, ...], Reference] = OrderedDict()
        self._tried: tuple[PromptPair, Runs] | None = None  # while faults were looked for

    def beside(self, plain: Callable[[HookedTransformer, PromptPair], Runs]) -> RunsUnder:
        """Return the same for other prompts, whose runs and faults take no room from these.

        Args:
            plain: As of the class.
        """
        found = RunsUnder(plain)
        found._references, found._most_bytes = self._references, self._most_bytes
        return found

    def run(self, model: HookedTransformer, under: Under, more: tuple[int, ...] = ()) -> Run:
        """Return a prompt's run, perhaps not yet complete, from those kept if it is there.

        Args:
            model: The model.
            under: The prompt.
            more: Token ids that stand behind it.

        Raises:
            ValueError: If a prompt can't be read.
        """
        if under not in self._runs or self._runs[under].has_failed:
            self._make(model, under.pair)
        self._runs.move_to_end(under)
        run = self._runs[under]
        return self._behind(run, (under, more)) if more else run

    def _behind(self, run: Run, name: tuple[Under, tuple[int, ...]]) -> Run:
        """Return the run of a prompt and of tokens behind it; the oldest others are forgotten."""
        known = self._longer.get(name)
        if known is None or known.model is not run.model or known.has_failed:
            self._longer[name] = run_behind(run, name[1])
        self._longer.move_to_end(name)
        while len(self._longer) > MOST_LONGER:
            self._longer.popitem(last=False)
        return self._longer[name]

    def _make(self, model: HookedTransformer, pair: PromptPair) -> None:
        """Make a pair's runs; the oldest of other pairs are forgotten."""
        clean, corrupted = self._plain(model, pair)
        given = self.given(model, pair)
        tried, self._tried = self._tried, None
        if tried is not None and tried[0] == pair:
            runs = tried[1]
        else:
            runs = intervened_runs(clean, given, corrupted)
        if runs[1] is not None and runs[0] is not clean and runs[1] is not corrupted:
            run_together([runs[0], runs[1]])
        sides: tuple[Literal["clean", "corrupted"], ...] = ("clean", "corrupted")
        for side, run in zip(sides, runs, strict=True):
            if run is not None:
                self._runs[Under(pair, side)] = run
        while len(self._runs) > MOST_UNDER:
            self._runs.popitem(last=False)

    def faults(self, model: HookedTransformer, pair: PromptPair) -> dict[Intervention, str]:
        """Return why each of a pair's interventions can't be done, as a sentence; "" where it can.

        No prompt that a mean is over is run for that.

        Raises:
            ValueError: If a prompt can't be read.
        """
        pair = pair.unanswered
        if not pair.interventions:
            return {}
        if pair not in self._faults:
            self._faults[pair] = self._found_faults(model, pair)
        while len(self._faults) > MOST_UNDER:
            self._faults.popitem(last=False)
        return self._faults[pair]

    def _found_faults(self, model: HookedTransformer, pair: PromptPair) -> dict[Intervention, str]:
        """Look at all that act together, and at all that are off: one by one only where need be."""
        acting = [one for one in pair.interventions if one.is_on]
        rest = [one for one in pair.interventions if not one.is_on and one.site.name != "norms"]
        found = dict[Intervention, str]()
        for some in (acting, rest):
            made = self._try(model, pair, *(one.on() for one in some))
            if isinstance(made, str):
                continue
            found |= dict.fromkeys(some, "")
            if some is acting and not any(one.op == "mean" for one in acting):
                self._tried = pair, made
        for one in pair.interventions:
            if one not in found:
                made = self._try(model, pair, *_needed(one, pair), one.on())
                found[one] = made if isinstance(made, str) else ""
        return {one: found[one] for one in pair.interventions}

    def _try(self, model: HookedTransformer, pair: PromptPair, *listed: Intervention) -> Runs | str:
        """Return a pair's runs under some interventions, or why there are none.

        Means are not worked out, so that these runs are no runs under them.
        """
        clean, corrupted = self._plain(model, pair)
        reference = self.reference(model, pair).counted
        places = places_under(model, pair, reference)
        try:
            return intervened_runs(clean, Interventions(listed, reference, places), corrupted)
        except ValueError as error:
            return str(error)

    def given(self, model: HookedTransformer, pair: PromptPair) -> Interventions:
        """Return a pair's interventions that can be done, with the prompts that means are over.

        Raises:
            ValueError: If a prompt can't be read.
        """
        faults = self.faults(model, pair)
        doable = tuple(one for one in pair.interventions if not faults[one])
        reference = self.reference(model, pair)
        return Interventions(doable, reference, places_under(model, pair, reference))

    def before(self, model: HookedTransformer, pair: PromptPair) -> Iterator[None]:
        """Run what has to be known before interventions are done, yielding on the way.

        The pair's prompts without them, if there are any, and what means are over.
        """
        if pair.clean:
            for run in self._plain(model, pair):
                if run is not None:
                    yield from run.steps()
        means = [one.site for one in pair.interventions if one.op == "mean" and one.is_on]
        names = [get_act_name(site.name, site.layer) for site in means]
        if known := [name for name in names if name in model.hook_dict]:
            yield from self.reference(model, pair).steps(known)

    def reference(self, model: HookedTransformer, pair: PromptPair) -> Reference:
        """Return the prompts that a pair's means are over, with what has been read of them.

        Runs are kept of those alone that were asked for last.
        """
        prompts = pair.reference
        if not prompts:
            return Reference(model, ())
        if prompts not in self._references:
            self._references[prompts] = prompts_of_means(model, prompts)
            self._references[prompts].most_runs = self._most_bytes
        self._references.move_to_end(prompts)
        while len(self._references) > MOST_REFERENCES:
            self._references.popitem(last=False)
        for other in list(self._references.values())[:-1]:
            other.forget_runs()
        return self._references[prompts]

    def limit(self, most_bytes: int) -> None:
        """Keep no more of runs of prompts that means are over from now on."""
        self._most_bytes = most_bytes
        for reference in self._references.values():
            if most_bytes < reference.most_runs:
                reference.forget_runs()
            reference.most_runs = most_bytes

    def forget(self) -> None:
        """Keep nothing that the model computed."""
        self._runs.clear()
        self._longer.clear()
        self._faults.clear()
        self._references.clear()
        self._tried = None


def _needed(one: Intervention, pair: PromptPair) -> tuple[Intervention, ...]:
    """Return the others without which an intervention can't be done.

    What norms divide by is frozen only where all MLPs are set.
    """
    if one.site.name != "norms":
        return ()
    acting = pair.acting.interventions
    return tuple(of for of in acting if of.site.name == "mlp_out" and of.op in SETTING)
