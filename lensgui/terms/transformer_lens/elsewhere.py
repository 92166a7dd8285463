"""What TransformerLens has and lensgui has not: each name with the way here, to end a sentence."""

from __future__ import annotations

DECODERS = "lensgui opens decoder-only models: use HookedTransformer"
_DATA = "lensgui reads no data sets: take texts from the `datasets` package, and model.to_tokens"
_HUB = "lensgui leaves this to huggingface_hub"
_INNER = "these are inner workings; lensgui shows what they do as"
_TRAINING = "lensgui does not train: write the loop in torch, over model.parameters()"
CHECKPOINT = (
    "teaching models open as their training ended, and of other models a revision is opened, such "
    'as revision="step3000" of Pythia'
)
_ENTRY = "lensgui's key/value cache is a list of one value a layer"
_FOLDS = "model.process_weights_(…) folds a model in place, one keyword a step"
_BOS = "give prepend_bos= to any call that takes text, or set model.cfg.default_prepend_bos"

NAMES: dict[str, str] = {  # of the package and its modules
    "BertNextSentencePrediction": DECODERS,
    "HookedAudioEncoder": DECODERS,
    "HookedEncoder": DECODERS,
    "HookedEncoderDecoder": DECODERS,
    "HookedTransformerKeyValueCacheEntry": _ENTRY,
    "IOIDataset": "lensgui draws such prompts with ioi_prompts(count), and ioi_eval takes them",
    "LayerNorm": f"{_INNER} model.ln_final, whatever its kind",
    "LayerNormPre": f"{_INNER} model.ln_final, whatever its kind",
    "RMSNorm": f"{_INNER} model.ln_final, whatever its kind",
    "RMSNormPre": f"{_INNER} model.ln_final, whatever its kind",
    "LocallyOverridenDefaults": f"{_BOS}, and padding_side= likewise",
    "TransformerLensKeyValueCacheEntry": _ENTRY,
    "calc_fan_in_and_fan_out": "cfg.init_range and cfg.seed say how lensgui draws weights",
    "check_structure": "lensgui has no such test: compare with torch.allclose",
    "clear_huggingface_cache": f"{_HUB}: `hf cache`",
    "download_file_from_hf": f"{_HUB}: hf_hub_download(repo_id, filename)",
    "evaluate": f"{_DATA}, then model(tokens, return_type='loss')",
    "evaluate_on_dataset": f"{_DATA}, then model(tokens, return_type='loss')",
    "filter_dict_by_prefix": f"{_INNER} model.state_dict()",
    "get_act_patch_direct_path": (
        "path_patch(…) patches one path, and path_patch_into(…) those that enter a head"
    ),
    "get_attention_mask": (
        "lensgui works the mask out from texts and token ids; give attention_mask= for another"
    ),
    "get_checkpoint_labels": CHECKPOINT,
    "get_dataset": _DATA,
    "get_input_with_manually_prepended_bos": _BOS,
    "get_nested_attr": f"{_INNER} model.get_submodule(name)",
    "get_pretrained_model_config": "open the model and read model.cfg",
    "get_pretrained_state_dict": "open the model and read model.state_dict()",
    "get_tokenizer_with_bos": _BOS,
    "get_tokens_with_bos_removed": _BOS,
    "init_kaiming_normal_": "torch.nn.init has it, to be called on a parameter",
    "init_kaiming_uniform_": "torch.nn.init has it, to be called on a parameter",
    "init_xavier_normal_": "torch.nn.init has it, to be called on a parameter",
    "init_xavier_uniform_": "torch.nn.init has it, to be called on a parameter",
    "keep_single_column": _DATA,
    "make_code_data_loader": _DATA,
    "make_df_from_ranges": (
        "itertools.product(*map(range, sizes)) gives the same rows; pandas.DataFrame takes them"
    ),
    "make_owt_data_loader": _DATA,
    "make_pile_data_loader": _DATA,
    "make_wiki_data_loader": _DATA,
    "override_or_use_default_value": _BOS,
    "print_gpu_mem": "torch.cuda.memory_allocated() says it",
    "sanity_check": f"{_DATA}, then model(tokens, return_type='loss')",
    "set_nested_attr": f"{_INNER} model.get_submodule(name)",
    "tokenize_and_concatenate": f"{_DATA}(text)",
    "warn_if_mps": "lensgui gives no such warning: choose with device=",
}

MODULES: dict[str, str] = {  # of which nothing is here
    "benchmarks": "lensgui compares a model with Hugging Face's by `lensgui models check NAME`",
    "conversion_utils": f"{_INNER} lensgui's families of architectures",
    "factories": f"{_INNER} lensgui's families of architectures",
    "lit": "lensgui has a window of its own: lensgui.open(model)",
    "supported_models": "lensgui lists models by `lensgui models list`",
    "tools": "lensgui lists models by `lensgui models list`",
    "tools.analysis": "logit_lens(…) reads the residual stream, and path_patch(…) patches a path",
    "train": _TRAINING,
    "utilities.tracr": (
        "lensgui does not convert tracr's models: fill HookedTransformer(cfg) by load_state_dict"
    ),
    "weight_processing": _FOLDS,
}

MODEL: dict[str, str] = {  # of a model
    "center_unembed": _FOLDS,
    "center_writing_weights": _FOLDS,
    "fold_layer_norm": _FOLDS,
    "fold_value_biases": _FOLDS,
    "refactor_factored_attn_matrices": _FOLDS,
    "input_to_embed": "model(input, stop_at_layer=0) returns the embedding that enters layer 0",
    "load_sample_training_dataset": _DATA,
    "original_model": "lensgui keeps no Hugging Face model: hold on to the one given as hf_model=",
    "prepare_multimodal_inputs": "lensgui reads text only",
    "sample_datapoint": _DATA,
    "set_ungroup_grouped_query_attention": (
        "keys and values of a group stay shared; model.W_K and model.W_V repeat them for every head"
    ),
}
