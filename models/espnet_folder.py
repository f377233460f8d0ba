"""Finds and reads the files of an ESPnet S2T folder, all but the checkpoint.

Everything is input from a stranger: sizes are bounded before reading, paths stay inside the folder.
"""

import glob
import io
import os

import numpy as np
import yaml

from bad_input import BadInput

MAX_YAML_BYTES = 32 << 20
MAX_SENTENCEPIECE_BYTES = 64 << 20
MAX_STATISTICS_BYTES = 1 << 20
MAX_YAML_DEPTH = 32


def _only(paths, what, folder, option):
    if len(paths) == 1:
        return paths[0]
    if not paths:
        raise BadInput("%s: no %s" % (folder, what))
    names = ", ".join(os.path.relpath(path, folder) for path in sorted(paths)[:8])
    raise BadInput(
        "%s: %d candidates for %s (%s); choose with %s" % (folder, len(paths), what, names, option)
    )


def find_config(folder, chosen):
    if not os.path.isdir(folder):
        raise BadInput("%s: no such folder" % folder)
    if chosen:
        return chosen
    paths = glob.glob(os.path.join(glob.escape(folder), "exp", "*", "config.yaml"))
    # exp/*_stats_*/ holds the configuration of the statistics run, without a model beside it.
    with_model = [
        p for p in paths if glob.glob(os.path.join(glob.escape(os.path.dirname(p)), "*.pth"))
    ]
    beside = os.path.join(folder, "config.yaml")
    if not paths and os.path.isfile(beside):
        return beside
    return _only(with_model or paths, "exp/*/config.yaml", folder, "--config")


def find_checkpoint(config_path, chosen):
    if chosen:
        return chosen
    folder = os.path.dirname(config_path) or "."
    paths = glob.glob(os.path.join(glob.escape(folder), "*.pth"))
    averaged = glob.glob(os.path.join(glob.escape(folder), "valid.*.ave*.pth"))
    return _only(averaged if len(averaged) == 1 else paths, "*.pth", folder, "--model-file")


def locate(root, value, field):
    """A path from config.yaml, relative to the folder that holds exp/ and data/.

    Unpacking tools make the paths absolute for the machine they run on; what counts is the part
    from exp/ or data/ on. A path that leaves the folder is refused: it could name any file.
    """
    parts = os.path.normpath(value).split(os.sep)
    if os.path.isabs(value):
        starts = [i for i, part in enumerate(parts) if part in ("exp", "data")]
        inside = [i for i in starts if os.path.isfile(os.path.join(root, *parts[i:]))]
        parts = parts[inside[0] :] if inside else []
    path = os.path.join(root, *parts)
    if not parts or parts[0] == ".." or not os.path.isfile(path):
        raise BadInput("%s: %s is not in %s" % (field, value, root))
    return path


def read_bytes(path, limit):
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise BadInput("%s: %s" % (path, error.strerror))
    if not data or len(data) > limit:
        raise BadInput("%s: %s" % (path, "empty" if not data else "more than %d bytes" % limit))
    return data


def check_events(path, events):
    """Refuses what makes a small YAML file large in memory or a parser recurse without bound."""
    depth = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):  # ESPnet writes none
            raise BadInput("%s: YAML references (*name) are not read" % path)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_YAML_DEPTH:
            raise BadInput("%s: nested too deeply" % path)


def read_yaml(path):
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster
    data = read_bytes(path, MAX_YAML_BYTES)
    try:
        check_events(path, yaml.parse(data, Loader=loader))
        config = yaml.load(data, Loader=loader)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise BadInput("%s: not YAML: %s" % (path, " ".join(str(error).split())[:200]))
    if not isinstance(config, dict):
        raise BadInput("%s: not a map" % path)
    return config


def read_tokens(config, root):
    tokens = config.get("token_list")
    if isinstance(tokens, str):
        data = read_bytes(locate(root, tokens, "token_list"), MAX_YAML_BYTES)
        try:
            return [line.rstrip() for line in data.decode("utf-8").splitlines()]
        except UnicodeDecodeError as error:
            raise BadInput("token_list: not UTF-8: %s" % error)
    return tokens


def statistics(config, root, mel_count):
    """normalize.mean and normalize.std from feats_stats.npz (spec §3.5)."""
    value = (config.get("normalize_conf") or {}).get("stats_file")
    if not isinstance(value, str):
        raise BadInput(
            "normalize_conf.stats_file: missing, and the checkpoint has no normalize.mean"
        )
    path = locate(root, value, "normalize_conf.stats_file")
    data = read_bytes(path, MAX_STATISTICS_BYTES)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as npz:
            count, total, square = (
                np.asarray(npz[k], np.float64) for k in ("count", "sum", "sum_square")
            )
    except Exception as error:  # np.load raises whatever zip, header and parser give
        raise BadInput("%s: not a statistics file: %s" % (path, " ".join(str(error).split())[:200]))
    if (
        count.shape != ()
        or not count > 0
        or total.shape != (mel_count,)
        or square.shape != (mel_count,)
    ):
        raise BadInput(
            "%s: count %s, sum %s, sum_square %s, expected shapes (), (%d,), (%d,)"
            % (path, count.shape, total.shape, square.shape, mel_count, mel_count)
        )
    floor = (config.get("normalize_conf") or {}).get("eps", 1e-20)
    mean = total / count
    std = np.sqrt(np.maximum(square / count - mean**2, 1e-20 if floor is None else floor))
    return {"normalize.mean": mean, "normalize.std": std}
