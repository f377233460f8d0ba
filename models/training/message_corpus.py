#!/usr/bin/env python3
"""Synthesised speech in the prompts' own style: short requests and messages, in many voices.

    message_corpus.py OUT --prompts DIR --test-ids FILE [--messages DIR] [--count N] [--engines A,B]

Texts: those of the training prompts, and programs' translated messages (gettext's .mo files under
DIR, default /usr/share/locale). Nothing with a test prompt's words. Engines: pico2wave, espeak-ng,
flite and festival (festvox-*); by name only mbrola (espeak-ng with its diphones) and RHVoice, most
of whose voices may not be used for money: a pack that is given away must do without those.
"""

import argparse
import gettext
import glob
import os
import random
import re
import subprocess
import sys
import tempfile

import soundfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from text_errors import normalise  # noqa: E402
from training.clip_store import RATE, ClipStore, ClipWriter, hours_by  # noqa: E402
from training.prompt_corpus import TEXTS, VOICES, read_texts, test_words  # noqa: E402
from training.speech_corpus import LETTERS, read_voice, speak  # noqa: E402

PROMPT_SHARE = 0.45  # of the texts are training prompts', the others programs' messages
MBROLA = {
    "en": ["en1", "us1", "us2", "us3"],
    "fr": ["fr1", "fr2", "fr3", "fr4", "fr5", "fr6", "fr7", "ca1", "ca2"],
    "es": ["es1", "es2", "es3", "es4", "mx1", "mx2", "vz1"],
    "it": ["it1", "it2", "it3", "it4"],
}
RHVOICE = {
    "ru": "aleksandr anna arina artemiy elena evgeniy-rus irina mikhail pavel tatiana victoria "
    "vitaliy yuriy".split(),
    "en": ["alan", "bdl", "clb", "slt", "evgeniy-eng", "lyubov"],
}
FLITE = {"en": ["kal16", "awb", "rms", "slt"]}
FESTIVAL = {
    "en": ["kal_diphone", "ked_diphone", "rab_diphone", "cmu_us_slt_arctic_hts"],
    "it": ["lp_diphone", "pc_diphone"],
    "es": ["el_diphone"],
}
# How often each engine is asked for a language that it speaks.
SHARES = {"pico": 0.3, "espeak": 0.12, "mbrola": 0.3, "rhvoice": 0.6, "flite": 0.12, "festival": 0.08}
ENGINES = "pico,espeak,flite,festival"
SPEAKS = {"mbrola": MBROLA, "rhvoice": RHVOICE, "flite": FLITE, "festival": FESTIVAL}


def messages(folders, language):
    """Sentences of 3 to 14 words from gettext catalogues: no code, no placeholders."""
    found = set()
    folder_name = "fr" if language == "en" else language  # English is what a catalogue translates
    for folder in folders:
        for path in glob.glob("%s/**/%s/LC_MESSAGES/*.mo" % (folder, folder_name), recursive=True):
            if os.path.basename(path).startswith("iso"):  # names of places and languages
                continue
            try:
                with open(path, "rb") as file:
                    catalogue = gettext.GNUTranslations(file)._catalog
            except (OSError, ValueError, UnicodeDecodeError):
                continue
            sides = catalogue.keys() if language == "en" else catalogue.values()
            for text in sides:
                text = text[0] if isinstance(text, tuple) else text
                text = text.split("\x04")[-1].replace("_", "").replace("’", "'").strip()
                if not 3 <= len(text.split()) <= 14 or len(text) > 90:
                    continue
                if not re.fullmatch(r"[A-ZÀ-ÜА-Я¿¡](%s|[ ,'?-])*[.?]?" % LETTERS, text):
                    continue
                if re.search(r"[a-zа-я][A-ZА-Я]|[A-ZА-Я]{2}", text):  # names and abbreviations
                    continue
                if language == "ru" and not re.search("[а-я]", text):
                    continue
                found.add(text)
    return sorted(found)


def _run(command, text=None):
    subprocess.run(command, check=True, input=text, capture_output=True, timeout=60)


def say(text, language, engine, source, path):
    """Speaks into the file `path`; returns the voice's name."""
    if engine == "mbrola":
        voice = "mb-" + source.choice(MBROLA[language])
        speed, pitch = str(source.randrange(125, 181)), str(source.randrange(30, 71))
        _run(["espeak-ng", "-v", voice, "-s", speed, "-p", pitch, "-w", path, text])
    elif engine == "rhvoice":
        voice = source.choice(RHVOICE[language])
        rate, pitch = str(source.randrange(80, 131)), str(source.randrange(85, 121))
        _run(["RHVoice-test", "-p", voice, "-r", rate, "-t", pitch, "-o", path], text.encode())
    elif engine == "flite":
        voice = source.choice(FLITE[language])
        stretch = "%.2f" % source.uniform(0.85, 1.2)
        _run(["flite", "-voice", voice, "--setf", "duration_stretch=" + stretch, "-t", text, "-o", path])
    else:
        voice = source.choice(FESTIVAL[language])
        stretch = "(Parameter.set 'Duration_Stretch %.2f)" % source.uniform(0.85, 1.2)
        chosen = "(begin (voice_%s) %s)" % (voice, stretch)
        encoded = text.encode("utf-8" if language == "en" else "latin-1", "ignore")
        _run(["text2wave", "-eval", chosen, "-o", path], encoded)
    return voice


def spoken(text, language, source, engines):
    """(samples at 16 kHz, voice) by one of `engines`, drawn by SHARES."""
    able = {e: SHARES[e] for e in engines if language in SPEAKS.get(e, {language: 1})}
    if language == "ru":
        able.pop("pico", None)
    engine = source.choices(list(able), list(able.values()))[0]
    if engine in ("pico", "espeak"):
        return speak(text, language, source, engine)
    with tempfile.NamedTemporaryFile(suffix=".wav") as out:
        voice = say(text, language, engine, source, out.name)
        return read_voice(out.name, source), "%s %s" % (engine, voice)


def build(out, prompts, test_ids, folders, count, seed, languages, engines):
    forbidden = test_words({code: read_texts(TEXTS % (code, code)) for code in VOICES}, test_ids)
    writer, source = ClipWriter(out), random.Random(seed)
    for language in languages:
        own = [c for c in prompts.clips if c["split"] == "train" and c["language"] == language]
        of_prompts = [c["texts"] for c in own]
        others = messages(folders, language)
        print("%s: %d prompts, %d messages" % (language, len(of_prompts), len(others)), flush=True)
        source.shuffle(of_prompts)
        source.shuffle(others)
        for i in range(count):
            is_prompt = source.random() < PROMPT_SHARE
            if is_prompt:
                texts = of_prompts[i % len(of_prompts)]
            else:
                texts = {language: others[i % len(others)]}
            text = texts[language]
            if tuple(normalise(text)) in forbidden[language]:
                continue
            try:
                samples, voice = spoken(text, language, source, engines)
            except (subprocess.SubprocessError, soundfile.LibsndfileError, IndexError) as error:
                print("%s: %s" % (text, error), flush=True)
                continue
            if not 0.4 * RATE < len(samples) < 12 * RATE:
                continue
            about = {"id": "", "language": language, "texts": texts, "source": "message"}
            writer.add(samples, voice=voice, split="train", **about)
    return writer.close()


def main():
    parser = argparse.ArgumentParser(description="Synthesised speech in the prompts' style.")
    parser.add_argument("out", metavar="OUT")
    parser.add_argument("--prompts", required=True, metavar="DIR", help="of prompt_corpus.py")
    parser.add_argument("--test-ids", required=True, metavar="FILE", help="ids never trained on")
    parser.add_argument("--messages", nargs="+", default=["/usr/share/locale"], metavar="DIR")
    parser.add_argument("--count", type=int, default=1500, help="clips a language")
    parser.add_argument("--languages", default="en,es,fr,it,ru")
    parser.add_argument("--engines", default=ENGINES, help="of %s" % ",".join(SHARES))
    parser.add_argument("--seed", type=int, default=4)
    args = parser.parse_args()
    engines = args.engines.split(",")
    if not set(engines) <= set(SHARES):
        parser.error("--engines: of %s" % ", ".join(SHARES))
    with open(args.test_ids, encoding="utf-8") as file:
        test_ids = set(file.read().split())
    clips = build(
        args.out,
        ClipStore(args.prompts),
        test_ids,
        args.messages,
        args.count,
        args.seed,
        args.languages.split(","),
        engines,
    )
    for row in hours_by(clips, "language"):
        print("%-3s %5d clips %6.1f minutes" % row)


if __name__ == "__main__":
    main()
