"""interp-engine's side, run in its own environment: JSON requests on stdin, JSON answers on stdout.

    {"tokens": [ids], "names": [hook names]}
        one forward that keeps those that it knows: which they are, and its seconds

It imports nothing of lensgui's.
"""

import json
import os
import sys
import time
import warnings


class Side:
    def __init__(self, folder):
        import torch
        from interp_engine.model import EagerModel
        from transformers import AutoModelForCausalLM, AutoTokenizer

        torch.set_num_threads(1)
        plain = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager"
        )
        tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = EagerModel(folder, hf_model=plain.eval(), tokenizer=tokenizer)
        self.known = {}

    def answer(self, request):
        import torch
        from interp_engine import capture

        from tests.oracle.engine_peer import points

        names = tuple(request["names"])
        if names not in self.known:
            self.known[names] = points(self.model, request["names"])[0]
        known = self.known[names]
        tokens, addresses = torch.tensor([request["tokens"]]), list(known.values())
        start = time.perf_counter()
        capture(self.model, tokens, addresses)
        return {"seconds": time.perf_counter() - start, "names": list(known)}


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever libraries print must not mix with the answers
    warnings.simplefilter("ignore")
    side = Side(sys.argv[1])
    print(json.dumps({}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(side.answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
