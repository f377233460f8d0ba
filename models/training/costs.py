"""Cost tables: what each module costs on a device, so that a budget is a share of time.

A table is JSON: {"format": "espalier-cost-table", "encoder": {module: cost}, "decoder": {module: cost},
"fixed": {"all": cost}} with one number a module, or a list with one a layer; fixed is what no gate saves.
"""

import json

from training.whisper_model import DECODER_MODULES, ENCODER_MODULES


def read_table(path):
    with open(path, encoding="utf-8") as file:
        table = json.load(file)
    if table.get("format") != "espalier-cost-table":
        raise ValueError("%s: no cost table" % path)
    return table


def gateable_share(path, costs):
    """The part of the whole time that `costs`, all gates of the table, are."""
    return sum(costs) / (sum(costs) + read_table(path)["fixed"]["all"])


def read_costs(path, layer_counts, modules=(ENCODER_MODULES, DECODER_MODULES)):
    """Costs of all gates: encoder layers × modules, then the decoder's. Raises ValueError."""
    table, costs = read_table(path), []
    for stack, layers, names in zip(("encoder", "decoder"), layer_counts, modules):
        columns = []
        for name in names:
            cost = table[stack][name]
            columns.append(cost if isinstance(cost, list) else [cost] * layers)
            if len(columns[-1]) != layers or min(columns[-1]) < 0:
                raise ValueError("%s: %s.%s: expected %d costs" % (path, stack, name, layers))
        costs += [column[layer] for layer in range(layers) for column in columns]
    return costs
