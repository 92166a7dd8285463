"""Decoders that transformers runs and lensgui does not open yet, by what stands in the way."""

from __future__ import annotations

_REASONS = {
    "it is an encoder, or has one": (
        "bart bert bert-generation big_bird bigbird_pegasus blenderbot blenderbot-small camembert "
        "data2vec-text electra ernie marian mbart megatron-bert modernbert-decoder mvp pegasus "
        "plbart prophetnet rembert roberta roberta-prelayernorm roc_bert roformer trocr whisper "
        "xlm xlm-roberta xlm-roberta-xl xlnet xmod"
    ),
    "it has parts for pictures or sound": (
        "aria_text emu3 fuyu gemma3 gemma3n gemma4 gemma4_assistant gemma4_unified "
        "gemma4_unified_assistant git got_ocr2 llama4 mllama moshi moss_transcribe_diarize "
        "musicgen musicgen_melody phi4_multimodal qwen3_5 qwen3_5_moe"
    ),
    "it has layers that are recurrent, linear or convolutions rather than attention": (
        "bailing_hybrid bamba falcon_h1 falcon_mamba granitemoehybrid jamba kimi_linear lfm2 "
        "lfm2_moe lfm3 mamba mamba2 minimax nemotron_h olmo_hybrid qwen3_5_moe_text qwen3_5_text "
        "qwen3_next recurrent_gemma rwkv xlstm zamba zamba2"
    ),
    "its attention first picks or compresses the positions that it looks at": (
        "axk2 deepseek_v32 deepseek_v4 glm_moe_dsa"
    ),
    "its map is not written yet, though its kinds of attention and of experts are known here": (
        "dots1 ernie4_5_moe exaone_moe flex_olmo glm4_moe glm4_moe_lite granitemoe_swa "
        "granitemoeshared minicpm3 minimax_m2 youtu"
    ),
    "its experts are shared in a way that the mixture here does not know": "cohere2_moe",
    "its heads are chosen among experts": "jetmoe",
    "its layers have different numbers of heads": "mimo_v2_flash",
    "its blocks have two attentions each": "longcat_flash",
    "its outputs are normalised in some layers and not in others": "axk1",
    "its heads' outputs pass a gate": "afmoe",
    "it normalises the residual stream itself": "ctrl openai-gpt",
    "its queries and keys are normalised after they turn": (
        "hunyuan_v1_dense hunyuan_v1_moe nanochat"
    ),
    "the nonlinearity of its MLP has weights": "apertus",
    "each head's attention is a difference of two patterns": "diffllama",
    "its weights are quantised to three values": "bitnet",
}
WHY = {name: reason for reason, names in _REASONS.items() for name in names.split()}
