"""check_live.py LINES TEXT: the contracts of live JSON lines, and that TEXT has the same finals."""

import json
import sys


def check(events, text):
    finals = [e for e in events if e["type"] == "final"]
    assert [e["text"] for e in finals] == text, finals
    assert events[-1]["type"] == "end" and events[-1]["input"] > 3.5
    for kind in ("speech_start", "speech_end"):
        assert sum(e["type"] == kind for e in events) == 2, kind
    committed, closed = {}, set()
    for event in events:
        if event["type"] not in ("partial", "final"):
            continue
        utterance = event["utterance_id"]
        assert utterance not in closed, "an utterance reopened"
        so_far = event["text"] if event["type"] == "final" else event["committed"]
        assert so_far.startswith(committed.get(utterance, "")), "committed text changed"
        committed[utterance] = so_far
        if event["type"] == "final":
            closed.add(utterance)
            times = [event["t0"]]
            for word in event["words"]:
                times += [word["start"], word["end"]]
            times.append(event["t1"])
            assert times == sorted(times), times


with open(sys.argv[1], encoding="utf-8") as lines, open(sys.argv[2], encoding="utf-8") as text:
    check([json.loads(line) for line in lines], text.read().splitlines())
