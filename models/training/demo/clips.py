"""What the demo's scripts read of a clip: its language's symbol, and its texts as plain words."""

from training.demo.texts import plain_words

LANGUAGES = {"en": "<eng>", "fr": "<fra>", "it": "<ita>"}


def join_translations(stores):
    """Makes all texts plain words; a prompt gets those of its id and split in other languages."""
    by_id = {}
    for store in stores:
        for clip in store.clips:
            texts = {k: plain_words(t, k) for k, t in clip["texts"].items() if k in LANGUAGES}
            clip["texts"] = texts
            if clip["source"] == "prompt" and clip["language"] in texts:
                key = clip["id"], clip["split"]
                by_id.setdefault(key, {})[clip["language"]] = texts[clip["language"]]
    for store in stores:
        for clip in store.clips:
            if clip["source"] == "prompt" and clip["language"] in LANGUAGES:
                clip["texts"] = {**by_id[clip["id"], clip["split"]], **clip["texts"]}


def prompt_task(language, target):
    return "<asr>" if target == language else "<st_%s" % LANGUAGES[target][1:]
