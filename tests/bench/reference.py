"""The reference side, run in its own environment: JSON requests on stdin, JSON answers on stdout.

    {"threads": 1}
    {"clean": [ids], "corrupted": [ids], "answer": id, "distractor": id}
    {"hook": "blocks.3.attn.hook_z", "part": [[], 9, 2]}
        one cell: the whole forward with one part of an activation replaced; [] is a whole dimension

It imports nothing of lensgui's.
"""

import json
import os
import sys
import time
import warnings


def open_bridge(folder):
    import torch
    from transformer_lens.model_bridge import TransformerBridge
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    )
    tokenizer = AutoTokenizer.from_pretrained(folder)
    bridge = TransformerBridge.boot_transformers(
        folder, hf_model=model, tokenizer=tokenizer, device="cpu"
    )
    bridge.enable_compatibility_mode()
    return bridge


class Side:
    def __init__(self, folder):
        self.bridge = open_bridge(folder)

    def threads(self, request):
        import torch

        torch.set_num_threads(request["threads"])
        return {}

    def pair(self, request):
        import torch

        self.corrupted = torch.tensor([request["corrupted"]])
        self.columns = request["answer"], request["distractor"]
        _, self.clean = self.bridge.run_with_cache(torch.tensor([request["clean"]]))
        return {"clean": self.metric(self.bridge(torch.tensor([request["clean"]])))}

    def metric(self, logits):
        answer, distractor = self.columns
        return float(logits[0, -1, answer] - logits[0, -1, distractor])

    def cell(self, request):
        name = request["hook"]
        part = (slice(None), *(slice(None) if at == [] else at for at in request["part"]))
        clean = self.clean[name]

        def replace(activation, hook):
            activation = activation.clone()
            activation[part] = clean[part]
            return activation

        start = time.perf_counter()
        logits = self.bridge.run_with_hooks(self.corrupted, fwd_hooks=[(name, replace)])
        metric = self.metric(logits)
        return {"seconds": time.perf_counter() - start, "metric": metric}

    def answer(self, request):
        if "threads" in request:
            return self.threads(request)
        return self.pair(request) if "clean" in request else self.cell(request)


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever libraries print must not mix with the answers
    warnings.simplefilter("ignore")
    import torch

    with torch.no_grad():
        side = Side(sys.argv[1])
        print(json.dumps({"ready": True}), file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(side.answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
