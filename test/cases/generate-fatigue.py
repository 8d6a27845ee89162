"""Writes pauses.json and fatigue.json: when something rests after what became of messages, and how tired a person is.

Independent of the product's code on purpose: pauses are found minute by minute, scores from the definition by halving.
Run: python3 test/cases/generate-fatigue.py
"""

import json
import math
import random
from pathlib import Path

NOW = 50_000  # All times are minutes.


def counts(rule, outcome, about):
    kind, contact, _, action, group, channel = outcome
    if kind not in rule["outcomes"]:
        return False
    return {"action": action == about["action"], "channel": channel == about["channel"],
            "group": about["group"] is not None and group == about["group"]}[rule["scope"]]


def firsts(rule, outcomes, about, until):
    """Minute of each (contact, kind) that counts, at its first mention."""
    found = {}
    for outcome in outcomes:
        if counts(rule, outcome, about) and outcome[2] <= until:
            key = (outcome[1], outcome[0])
            found[key] = min(found.get(key, outcome[2]), outcome[2])
    return sorted(found.values())


def pause_end(rule, outcomes, about, now):
    """Every minute up to now is tried as the one that completes the count."""
    end = None
    minutes = firsts(rule, outcomes, about, now)
    for minute in range(now - rule["pause"] + 1, now + 1):
        if minute in minutes and sum(minute - rule["within"] < other <= minute for other in minutes) >= rule["count"]:
            end = minute + rule["pause"]
    return end


def pause_rows():
    chance = random.Random(4)
    about = {"action": "offer", "group": "deals", "channel": "email"}

    def row(name, rule, outcomes, about=about):
        return {"name": name, "rule": rule, "about": about, "outcomes": outcomes, "now": NOW,
                "until": pause_end(rule, outcomes, about, NOW)}

    def dismissed(contact, ago, kind="dismissed", action="offer", group="deals", channel="email"):
        return [kind, contact, NOW - ago, action, group, channel]

    rule = {"outcomes": ["dismissed"], "count": 3, "within": 1000, "scope": "action", "pause": 2000}
    yield row("nothing happened", rule, [])
    yield row("two of three", rule, [dismissed("a", 10), dismissed("b", 20)])
    yield row("three of three", rule, [dismissed("a", 10), dismissed("b", 20), dismissed("c", 30)])
    yield row("three mentions of one", rule, [dismissed("a", 10), dismissed("a", 20), dismissed("a", 30)])
    yield row("a late mention of one that counted", rule, [dismissed("a", 10), dismissed("a", 1500), dismissed("b", 1600), dismissed("c", 1700)])
    yield row("the first as old as the time allowed", rule, [dismissed("a", 0), dismissed("b", 20), dismissed("c", 1000)])
    yield row("the first a minute younger", rule, [dismissed("a", 0), dismissed("b", 20), dismissed("c", 999)])
    yield row("the last minute of a pause", rule, [dismissed("a", 1999), dismissed("b", 2000), dismissed("c", 2001)])
    yield row("the pause is over", rule, [dismissed("a", 2000), dismissed("b", 2001), dismissed("c", 2002)])
    yield row("a fourth begins it anew", rule, [dismissed("a", 5), dismissed("b", 900), dismissed("c", 901), dismissed("d", 902)])
    yield row("a later one alone does not", rule, [dismissed("a", 5), dismissed("b", 1900), dismissed("c", 1901), dismissed("d", 1902)])
    yield row("another kind", rule, [dismissed("a", 10), dismissed("b", 20), dismissed("c", 30, "ignored")])
    yield row("another action", rule, [dismissed("a", 10), dismissed("b", 20), dismissed("c", 30, action="other")])
    by_group, by_channel = {**rule, "scope": "group"}, {**rule, "scope": "channel"}
    mixed = [dismissed("a", 10), dismissed("b", 20, action="other"), dismissed("c", 30, action="third", channel="sms")]
    yield row("its group", by_group, mixed)
    yield row("another group", by_group, mixed[:2] + [dismissed("c", 30, group="news")])
    yield row("no group", by_group, [dismissed(contact, 10, group=None) for contact in "abc"], {**about, "group": None})
    yield row("its channel", by_channel, mixed[:2] + [dismissed("c", 30, action="third", group=None)])
    yield row("another channel", by_channel, mixed)
    yield row("one is enough", {**rule, "count": 1}, [dismissed("a", 0)])
    yield row("several kinds of one contact", {**rule, "outcomes": ["ignored", "dismissed"], "count": 2}, [dismissed("a", 10), dismissed("a", 5, "ignored")])
    for number in range(40):
        kinds = chance.sample(["dismissed", "ignored", "bounced", "complained"], 2)
        drawn = {"outcomes": kinds, "count": chance.randint(1, 4), "within": chance.randint(1, 900),
                 "scope": chance.choice(["action", "group", "channel"]), "pause": chance.randint(1, 900)}
        outcomes = [dismissed(f"c{chance.randint(0, 8)}", chance.randint(-50, 1500), chance.choice(kinds + ["opened"]),
                              chance.choice(["offer", "offer", "other"]), chance.choice(["deals", "deals", None]), chance.choice(["email", "email", "sms"]))
                    for _ in range(chance.randint(1, 12))]
        yield row(f"drawn {number}", drawn, outcomes)


def score(model, contacts, outcomes, now):
    load = math.fsum(model["contact"] * 0.5 ** ((now - minute) / model["half_life"]) for minute in contacts if minute <= now)
    load += math.fsum(model["outcomes"].get(kind, 0) * 0.5 ** ((now - minute) / model["half_life"]) for kind, minute in outcomes if minute <= now)
    return 1 - math.exp(-max(load, 0))


def below_from(model, contacts, outcomes):
    """First second at which the score is below the threshold, by halving the stretch that holds it."""
    if score(model, contacts, outcomes, NOW) < model["threshold"]:
        return None
    over, below = 0, 1
    while score(model, contacts, outcomes, NOW + below / 60) >= model["threshold"]:
        below *= 2
    past_c, past_o = [c for c in contacts if c <= NOW], [o for o in outcomes if o[1] <= NOW]
    while below - over > 1:
        middle = (over + below) // 2
        if score(model, past_c, past_o, NOW + middle / 60) >= model["threshold"]:
            over = middle
        else:
            below = middle
    return below


def fatigue_rows():
    chance = random.Random(7)

    def row(name, model, contacts, outcomes):
        return {"name": name, "model": model, "contacts": contacts, "outcomes": outcomes, "now": NOW,
                "score": score(model, contacts, outcomes, NOW), "below_from_s": below_from(model, contacts, outcomes)}

    model = {"half_life": 4320, "contact": 0.3, "outcomes": {"complained": 2, "dismissed": 0.4, "clicked": -0.5}, "threshold": 0.5}
    yield row("nobody wrote", model, [], [])
    yield row("one contact now", model, [NOW], [])
    yield row("one contact a half-life ago", model, [NOW - 4320], [])
    yield row("three contacts today", model, [NOW - 60, NOW - 300, NOW - 900], [])
    yield row("a complaint alone", model, [], [["complained", NOW - 10]])
    yield row("clicks outweigh contacts", model, [NOW - 60], [["clicked", NOW - 50], ["clicked", NOW - 40]])
    yield row("a click softens", model, [NOW - 60, NOW - 70, NOW - 80, NOW - 90], [["clicked", NOW - 50]])
    yield row("what is yet to come weighs nothing", model, [NOW + 1], [["complained", NOW + 1]])
    yield row("an outcome without a weight", model, [NOW - 60], [["opened", NOW - 50]])
    for number in range(40):
        drawn = {"half_life": chance.randint(10, 20160), "contact": round(chance.random(), 3), "threshold": round(chance.uniform(0.05, 0.95), 3),
                 "outcomes": {"complained": round(chance.uniform(0, 4), 3), "ignored": round(chance.uniform(0, 1), 3), "clicked": round(-chance.random(), 3)}}
        contacts = [NOW - chance.randint(0, 30_000) for _ in range(chance.randint(0, 12))]
        outcomes = [[chance.choice(["complained", "ignored", "clicked", "opened"]), NOW - chance.randint(0, 30_000)] for _ in range(chance.randint(0, 8))]
        yield row(f"drawn {number}", drawn, contacts, outcomes)


def write(name, rows):
    lines = ",\n  ".join(json.dumps(found) for found in rows)
    Path(__file__).with_name(name).write_text(f"[\n  {lines}\n]\n")


write("pauses.json", pause_rows())
write("fatigue.json", fatigue_rows())
