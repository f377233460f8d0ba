#!/usr/bin/env python3
"""Writes the seeds of corpus/: small inputs to be accepted (good_*) and refused (bad_*).

    make_corpus.py CORPUS_DIR        (from the repository's root; needs ffmpeg for the coded audio)

Files that a fuzzer found are added by hand beside them; running this again leaves them alone.
"""

import json
import math
import pathlib
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "models"))
import synthetic_vocabulary  # noqa: E402


def safetensors(header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def safetensors_seeds():
    def tensor(dtype, shape, begin, end):
        return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}

    yield "good_empty", safetensors({}, b"")
    yield "good_two", safetensors({"a": tensor("F32", [2, 3], 0, 24), "b": tensor("F16", [2], 24, 28)}, bytes(28))
    yield "good_misaligned", safetensors({"a": tensor("U8", [1], 0, 1), "b": tensor("F32", [2], 1, 9)}, bytes(9))
    yield "good_metadata", safetensors({"__metadata__": {"format": "pt"}, "s": tensor("BF16", [], 0, 2)}, bytes(2))
    yield "good_all_types", safetensors(
        {d: tensor(d, [1], i * 8, i * 8 + n) for i, (d, n) in enumerate(
            [("F64", 8), ("I64", 8), ("U64", 8)])}, bytes(24))
    yield "good_other_types", safetensors({"c": tensor("BOOL", [3], 0, 3), "i": tensor("I16", [1], 3, 5)}, bytes(5))
    yield "good_zero_size", safetensors({"z": tensor("F32", [0, 1 << 40], 0, 0)}, b"")
    yield "bad_overlap", safetensors({"a": tensor("U8", [4], 0, 4), "b": tensor("U8", [4], 2, 6)}, bytes(6))
    yield "bad_overflow", safetensors({"a": tensor("F32", [1 << 62, 4], 0, 16)}, bytes(16))
    yield "bad_long_header", struct.pack("<Q", 1 << 60) + b"{}"


OWSM = {
    "model_type": "owsm", "format_version": 1,
    "frontend": {"sample_rate": 16000, "n_fft": 512, "win_length": 400, "hop_length": 160, "mel_count": 80},
    "encoder": {"type": "e_branchformer", "input_layer": "conv2d", "output_size": 8, "attention_heads": 2,
                "num_blocks": 1, "linear_units": 8, "cgmlp_linear_units": 8, "cgmlp_conv_kernel": 3,
                "merge_conv_kernel": 3, "macaron_ffn": True},
    "decoder": {"type": "transformer", "attention_heads": 2, "num_blocks": 1, "linear_units": 8},
    "ctc": {"blank": "<blank>"}, "tokenizer": {"type": "sentencepiece", "model": "bpe.model"},
    "token_list": ["<blank>", "<unk>", "<na>", "<eng>", "<asr>", "<notimestamps>", "<0.00>", "<1.00>", "a",
                   "<sos>", "<eos>", "<sop>"],
    "symbols": {"unk": "<unk>", "na": "<na>", "sos": "<sos>", "eos": "<eos>", "sop": "<sop>",
                "notimestamps": "<notimestamps>", "first_time": "<0.00>", "last_time": "<1.00>"},
    "speech_length": 1.0, "speech_resolution": 1.0, "languages": ["<eng>"], "tasks": ["<asr>"],
}
GATE = {"context_size": 2, "hidden_size": 4, "languages": ["<eng>"], "tasks": ["<asr>"],
        "encoder_modules": ["feed_forward_macaron", "attn", "cgmlp", "feed_forward"],
        "decoder_modules": ["self_attn", "src_attn", "feed_forward"]}
WHISPER = [
    {"model_type": "whisper", "d_model": 8, "encoder_attention_heads": 2, "encoder_layers": 1,
     "encoder_ffn_dim": 16, "decoder_attention_heads": 2, "decoder_layers": 1, "decoder_ffn_dim": 16,
     "max_source_positions": 1500, "max_target_positions": 448, "num_mel_bins": 80, "vocab_size": 51865,
     "activation_function": "gelu", "scale_embedding": False, "tie_word_embeddings": True,
     "decoder_start_token_id": 50258, "eos_token_id": 50257},
    {"feature_size": 80, "sampling_rate": 16000, "n_fft": 400, "hop_length": 160, "chunk_length": 30},
    {"is_multilingual": True, "decoder_start_token_id": 50258, "eos_token_id": 50257,
     "no_timestamps_token_id": 50363, "prev_sot_token_id": 50361, "max_initial_timestamp_index": 50,
     "lang_to_id": {"<|en|>": 50259, "<|de|>": 50261}, "task_to_id": {"transcribe": 50359, "translate": 50358},
     "suppress_tokens": [1, 2], "begin_suppress_tokens": [220, 50257], "alignment_heads": [[0, 1]]},
]


def model_config_seeds():
    yield "good_owsm", json.dumps(OWSM, indent=0).encode()
    yield "good_owsm_gated", json.dumps(dict(OWSM, gate=GATE), indent=0).encode()
    yield "good_whisper", "\n---\n".join(json.dumps(part, indent=0) for part in WHISPER).encode()
    yield "bad_empty_objects", b"{}\n---\n{}\n---\n{}"
    yield "bad_deep", b"[" * 40
    yield "bad_twice", b'{"model_type": "owsm", "model_type": "whisper"}'


GATE_PACK = {
    "format": "espalier-gate-pack", "version": 1,
    "base": {"family": "whisper", "fingerprint": "0123456789abcdef" * 4, "name": "openai/whisper-base"},
    "gates": {"context_size": 2, "hidden_size": 4, "pooling": "mean", "pool_input": "encoder_embed_output",
              "closed_index": 0, "open_index": 1, "encoder_modules": ["attn", "feed_forward"],
              "decoder_modules": ["self_attn", "src_attn", "feed_forward"],
              "languages": ["other", "en", "fr"], "tasks": ["transcribe", "translate"],
              "budgets": {"0": "gate_predictor", "0.3": "gate_predictor_30"}, "default_budget": "0.3"},
    "input": {"true_length": True, "tail_seconds": 0.5, "min_seconds": 1.0},
    "license": "MIT", "recipe": "models/training/README.md",
}


def gate_pack_seeds():
    def altered(**changes):
        return json.dumps(dict(GATE_PACK, gates=dict(GATE_PACK["gates"], **changes)), indent=0).encode()

    yield "good_whisper", json.dumps(GATE_PACK, indent=0).encode()
    owsm = dict(GATE_PACK, base=dict(GATE_PACK["base"], family="owsm"),
                gates=dict(GATE_PACK["gates"], encoder_modules=["attn", "cgmlp", "feed_forward"]))
    owsm.pop("input")
    yield "good_owsm_without_input", json.dumps(owsm, indent=0).encode()
    yield "good_one_budget", altered(budgets={"1": "p"}, default_budget="1")
    yield "bad_budget_nan", altered(budgets={"nan": "p"}, default_budget="nan")
    yield "bad_budget_twice", altered(budgets={"0.3": "p", "3e-1": "q"}, default_budget="0.3")
    yield "bad_languages", altered(languages=["en"])
    yield "bad_modules", altered(encoder_modules=["attn", "attn"])
    yield "bad_version", json.dumps(dict(GATE_PACK, version=2), indent=0).encode()
    yield "bad_true_length", json.dumps(dict(GATE_PACK, input={"true_length": True}), indent=0).encode()


def pieces(extra):
    return [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), ("<eng>", 0.0, 4), ("\u2581", -2.0, 1),
            ("a", -3.0, 1), ("b", -3.5, 1), ("\u2581ab", -4.0, 1)] + extra


def field(number, data):
    return bytes([number << 3 | 2]) + synthetic_vocabulary._varint(len(data)) + data


def one_rule_charsmap():
    """A double array with the one rule a -> b (the layout is in runtime/text/charsmap_check.cc)."""
    units = [0x80000000] * 768
    units[0] = 256 << 10
    place = 256 ^ ord("a")
    units[place] = (place ^ 512) << 10 | 0x100 | ord("a")
    return struct.pack("<I", 4 * len(units)) + struct.pack("<768I", *units) + b"b\0"


def sentencepiece_seeds():
    model = synthetic_vocabulary.sentencepiece_model(pieces([]))
    yield "good_unigram", bytes(model)
    bare = b"".join(field(1, field(1, p.encode()) + b"\x15" + struct.pack("<f", s) + bytes([0x18, t]))
                    for p, s, t in pieces([]))
    for name, number in (("unigram", 1), ("bpe", 2), ("word", 3), ("char", 4)):
        yield "good_bare_" + name, bare + field(2, bytes([0x18, number]))
    yield "good_charsmap", bare + field(3, field(2, one_rule_charsmap()))
    yield "good_denormalizer", bare + field(5, field(2, one_rule_charsmap()))
    yield "good_self_test", bare + field(4, field(1, field(1, b"ab") + field(2, "\u2581ab".encode())))
    byte_pieces = b"".join(field(1, field(1, b"<0x%02X>" % i) + b"\x15\0\0\0\0\x18\x06") for i in range(256))
    yield "good_byte_fallback", bare + byte_pieces + field(2, b"\x18\x01\x98\x02\x01")
    yield "bad_nul_symbol", bare + field(1, field(1, b"\0") + b"\x18\x04")
    yield "bad_nested_symbols", bare + b"".join(
        field(1, field(1, b"x" * i) + b"\x18\x04") for i in range(1, 80))


def whisper_seeds():
    source = pathlib.Path("tests/text/testdata/small_tokenizer.json").read_text(encoding="utf-8")
    small = json.loads(source)
    model = small["model"]
    model["merges"] = model["merges"][:40]
    kept = {a + b for a, b in model["merges"]}
    tokens = [t for t in model["vocab"] if len(t) == 1 or t in kept]
    model["vocab"] = {t: i for i, t in enumerate(tokens)}
    for i, token in enumerate(small["added_tokens"]):
        token["id"] = len(tokens) + i
    pairs = json.dumps(small, ensure_ascii=False, separators=(",", ":")).encode()
    yield "good_pairs", pairs
    yield "good_with_text", pairs + "\0It's  \u00fcber 12\u00bd \U0001f44d <|en|>".encode()
    model["merges"] = [" ".join(pair) for pair in model["merges"]]
    yield "good_strings", json.dumps(small, ensure_ascii=False, separators=(",", ":")).encode()
    model["vocab"].pop("a")
    yield "bad_no_byte", json.dumps(small, ensure_ascii=False, separators=(",", ":")).encode()
    # The keys of a token's value spell the path of the vocabulary, which is streamed.
    model["vocab"] = {"a": {"model.vocab": {"b": 1}, "model.merges": [["a", "b"]], "c": 2}}
    yield "bad_nested_path", json.dumps(small, ensure_ascii=False, separators=(",", ":")).encode()


def chunk(name, data):
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def wav(tag, channels, rate, bits, data, extension=b""):
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits) + extension
    body = b"WAVE" + chunk(b"fmt ", form) + chunk(b"LIST", b"INFO") + chunk(b"data", data)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def audio_seeds():
    tone = [0.5 * math.sin(0.1 * i) for i in range(400)]
    s16 = struct.pack("<400h", *(int(32767 * x) for x in tone))
    yield "good_s16.wav", wav(1, 1, 16000, 16, s16)
    yield "good_s16_stereo_44100.wav", wav(1, 2, 44100, 16, s16)
    yield "good_u8_8000.wav", wav(1, 1, 8000, 8, bytes(int(128 + 100 * x) for x in tone))
    yield "good_f32.wav", wav(3, 1, 16000, 32, struct.pack("<400f", *tone))
    yield "bad_f32_nan.wav", wav(3, 1, 16000, 32, struct.pack("<4f", 0, math.nan, math.inf, 1))
    guid = struct.pack("<HHIH", 22, 24, 0, 1) + b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
    yield "good_s24_extensible.wav", wav(0xFFFE, 1, 16000, 24, bytes(300), guid)
    yield "good_alaw.wav", wav(6, 1, 8000, 8, bytes(range(200)))
    streamed = bytearray(wav(1, 1, 16000, 16, s16))
    streamed[4:8] = streamed[-804:-800] = b"\xff" * 4
    yield "good_streamed_length.wav", bytes(streamed)
    yield "good_cut.wav", wav(1, 1, 16000, 16, s16)[:300]
    yield "good_no_data.wav", wav(1, 1, 16000, 16, b"")
    ds64 = struct.pack("<QQQI", 900, 800, 400, 0)
    yield "good_rf64.wav", (b"RF64\xff\xff\xff\xffWAVE" + chunk(b"ds64", ds64)
                       + chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 16000, 32000, 2, 16))
                       + b"data\xff\xff\xff\xff" + s16)
    for name, options in (("flac.flac", []), ("mp3.mp3", ["-b:a", "32k"]), ("aiff.aiff", []),
                          ("vorbis.ogg", ["-c:a", "libvorbis"]), ("opus.ogg", ["-c:a", "libopus"]),
                          ("au.au", []), ("caf.caf", []), ("w64.w64", [])):
        container = "ogg" if name.endswith(".ogg") else name.rsplit(".", 1)[1]
        with tempfile.NamedTemporaryFile() as out:  # a pipe would leave lengths unset
            subprocess.run(
                ["ffmpeg", "-v", "error", "-y", "-f", "s16le", "-ar", "16000", "-i", "-", "-bitexact",
                 "-map_metadata", "-1", *options, "-f", container, out.name], input=s16 * 2, check=True)
            yield "good_" + name, pathlib.Path(out.name).read_bytes()


SEEDS = {
    "audio_fuzzer": audio_seeds,
    "gate_pack_fuzzer": gate_pack_seeds,
    "model_config_fuzzer": model_config_seeds,
    "safetensors_fuzzer": safetensors_seeds,
    "sentencepiece_fuzzer": sentencepiece_seeds,
    "whisper_tokenizer_fuzzer": whisper_seeds,
}


def main():
    for target, seeds in SEEDS.items():
        folder = pathlib.Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
