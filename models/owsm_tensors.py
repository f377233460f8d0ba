"""The checkpoint as a table: every tensor's name and shape for a config.json (spec §2, §11).

The converter writes these and no others; the C++ side has the same table in
runtime/model/tensor_table.inc.
"""


def _linear(name, units_out, units_in):
    return {name + ".weight": (units_out, units_in), name + ".bias": (units_out,)}


def _norm(name, width):
    return {name + ".weight": (width,), name + ".bias": (width,)}


def _conv(name, *shape):
    return {name + ".weight": shape, name + ".bias": shape[:1]}


def _feed_forward(name, width, units):
    return {**_linear(name + ".w_1", units, width), **_linear(name + ".w_2", width, units)}


def _attention(name, width):
    table = {}
    for part in ("q", "k", "v", "out"):
        table.update(_linear("%s.linear_%s" % (name, part), width, width))
    return table


def _subsampling(encoder, mel_count):
    d = encoder["output_size"]
    convolutions = {"conv2d": 2, "conv2d8": 3}[encoder["input_layer"]]
    table, inputs, bins = {}, 1, mel_count
    for i in range(convolutions):
        table.update(_conv("encoder.embed.conv.%d" % (2 * i), d, inputs, 3, 3))
        inputs, bins = d, (bins - 3) // 2 + 1
    # ESPnet's conv2d8 has a bare Linear, its conv2d a Linear and the positional encoding.
    out = "encoder.embed.out" if convolutions == 3 else "encoder.embed.out.0"
    table.update(_linear(out, d, d * max(bins, 0)))
    return table


def _encoder_layer(name, e):
    d, units = e["output_size"], e["cgmlp_linear_units"]
    table = {}
    norms = ["norm_mha", "norm_mlp", "norm_ff", "norm_final"]
    forwards = ["feed_forward"]
    if e["macaron_ffn"]:
        norms.insert(0, "norm_ff_macaron")
        forwards.insert(0, "feed_forward_macaron")
    for norm in norms:
        table.update(_norm(name + norm, d))
    for forward in forwards:
        table.update(_feed_forward(name + forward, d, e["linear_units"]))
    table.update(_attention(name + "attn", d))
    table.update(_linear(name + "cgmlp.channel_proj1.0", units, d))
    table.update(_norm(name + "cgmlp.csgu.norm", units // 2))
    table.update(_conv(name + "cgmlp.csgu.conv", units // 2, 1, e["cgmlp_conv_kernel"]))
    table.update(_linear(name + "cgmlp.channel_proj2", d, units // 2))
    table.update(_conv(name + "depthwise_conv_fusion", 2 * d, 1, e["merge_conv_kernel"]))
    table.update(_linear(name + "merge_proj", d, 2 * d))
    return table


def _decoder_layer(name, d, units):
    table = {}
    for norm in ("norm1", "norm2", "norm3"):
        table.update(_norm(name + norm, d))
    table.update(_attention(name + "self_attn", d))
    table.update(_attention(name + "src_attn", d))
    table.update(_feed_forward(name + "feed_forward", d, units))
    return table


def _gate_predictor(config):
    g, d = config["gate"], config["encoder"]["output_size"]
    gates = config["encoder"]["num_blocks"] * len(g["encoder_modules"])
    gates += config["decoder"]["num_blocks"] * len(g["decoder_modules"])
    name = "gate_predictor."
    return {
        name + "language_embedding.weight": (len(g["languages"]), g["context_size"]),
        name + "task_embedding.weight": (len(g["tasks"]), g["context_size"]),
        **_linear(name + "mlp.0", g["hidden_size"], d + 2 * g["context_size"]),
        **_linear(name + "mlp.2", 2 * gates, g["hidden_size"]),
    }


def tensor_table(config):
    """name -> shape for a config.json dictionary, in the order of the forward pass."""
    frontend, encoder, decoder = config["frontend"], config["encoder"], config["decoder"]
    d, vocabulary = encoder["output_size"], len(config["token_list"])
    table = {
        "frontend.logmel.melmat": (frontend["n_fft"] // 2 + 1, frontend["mel_count"]),
        "normalize.mean": (frontend["mel_count"],),
        "normalize.std": (frontend["mel_count"],),
    }
    table.update(_subsampling(encoder, frontend["mel_count"]))
    for i in range(encoder["num_blocks"]):
        table.update(_encoder_layer("encoder.encoders.%d." % i, encoder))
    table.update(_norm("encoder.after_norm", d))
    table["decoder.embed.0.weight"] = (vocabulary, d)
    for i in range(decoder["num_blocks"]):
        table.update(_decoder_layer("decoder.decoders.%d." % i, d, decoder["linear_units"]))
    table.update(_norm("decoder.after_norm", d))
    table.update(_linear("decoder.output_layer", vocabulary, d))
    if "ctc" in config:
        table.update(_linear("ctc.ctc_lo", vocabulary, d))
    if "gate" in config:
        table.update(_gate_predictor(config))
    return table
