"""Writes quiet-hours.json: expected first allowed instants, found minute by minute with Python's zoneinfo.

Independent of the product's code on purpose: no jumps, no transitions, only the wall clock of every single minute.
Run: python3 test/cases/generate-quiet-hours.py   (PYTHONTZPATH chooses the IANA data; the zones below agree in 2025b and 2026f)
"""

import json
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

UTC = timezone.utc
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
HORIZON = timedelta(days=8)
YEAR = 2027

ZONES = [
    "America/New_York", "America/Los_Angeles", "America/St_Johns", "America/Santiago",
    "America/Sao_Paulo", "America/Nuuk", "Atlantic/Azores", "Europe/London", "Europe/Berlin", "Africa/Cairo",
    "Africa/Johannesburg", "Asia/Beirut", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tokyo", "Australia/Adelaide",
    "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham", "Antarctica/Troll", "Pacific/Kiritimati",
]
WINDOWS = [("21:00", "08:00"), ("02:00", "03:00"), ("00:00", "00:30"), ("01:45", "02:15"), ("23:30", "01:30")]
WORLD = [
    "America/New_York", "America/Santiago", "America/St_Johns", "Europe/Berlin", "Africa/Cairo", "Africa/Lagos",
    "Asia/Beirut", "Asia/Kathmandu", "Asia/Yangon", "Australia/Lord_Howe", "Pacific/Chatham", "Antarctica/Troll",
]


@lru_cache(maxsize=None)
def minute_of(text):
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def is_start_day(rule, day):
    """Whether a window of the rule starts on this local date."""
    text = day.isoformat()
    if "from" in rule and text < rule["from"]:
        return False
    if "until" in rule and text >= rule["until"]:
        return False
    if "weekdays" not in rule and "dates" not in rule:
        return True
    return day.isoweekday() in rule.get("weekdays", []) or text in rule.get("dates", []) or text[5:] in rule.get("dates", [])


def is_quiet(rule, local):
    """By the date and minute that the clock shows, and nothing else."""
    start, end, minute = minute_of(rule["start"]), minute_of(rule["end"]), local.hour * 60 + local.minute
    today = date(local.year, local.month, local.day)
    if start < end:
        return start <= minute < end and is_start_day(rule, today)
    return minute >= start and is_start_day(rule, today) or minute < end and is_start_day(rule, today - DAY)


def concerns(rule, message):
    """Channel, purpose, and a place that contains one of the person's."""
    if "channels" in rule and message["channel"] not in rule["channels"]:
        return False
    if "purposes" in rule and message["purpose"] not in rule["purposes"]:
        return False
    if "jurisdictions" not in rule:
        return True
    return any(code.split("-")[: len(place.split("-"))] == place.split("-") for place in rule["jurisdictions"] for code in message["jurisdictions"])


def is_allowed(at, zones, rules):
    for zone in zones:
        local = at.astimezone(ZoneInfo(zone))
        if any(is_quiet(rule, local) for rule in rules):
            return False
    return True


def first_allowed(at, zones, rules):
    if is_allowed(at, zones, rules):
        return at
    instant = at.replace(second=0, microsecond=0) + MINUTE
    while instant <= at + HORIZON:
        if is_allowed(instant, zones, rules):
            return instant
        instant += MINUTE
    return None


def transitions(zone, year=YEAR):
    """Every instant of the year at which the offset of the zone changes, to the minute."""
    found = []
    instant = datetime(year, 1, 1, tzinfo=UTC)
    offset = instant.astimezone(ZoneInfo(zone)).utcoffset()
    while instant.year == year:
        following = instant + timedelta(hours=1)
        if following.astimezone(ZoneInfo(zone)).utcoffset() != offset:
            while instant.astimezone(ZoneInfo(zone)).utcoffset() == offset:
                instant += MINUTE
            offset = instant.astimezone(ZoneInfo(zone)).utcoffset()
            found.append(instant)
        else:
            instant = following
    return found


def text(instant):
    return None if instant is None else instant.strftime("%Y-%m-%dT%H:%M:%SZ")


MESSAGE = {"channel": "sms", "purpose": "marketing", "jurisdictions": ["US-FL"]}


def row(name, zones, rules, at, message=None):
    """`message` is written only where a rule looks at it."""
    rules = [{"start": rule[0], "end": rule[1]} if isinstance(rule, tuple) else rule for rule in rules]
    asked = [rule for rule in rules if concerns(rule, message or MESSAGE)]
    found = {"name": name, "zones": zones, "rules": rules, "at": text(at), "expected": text(first_allowed(at, zones, asked))}
    return found if message is None else {**found, "message": message}


def at(value):
    return datetime.fromisoformat(value.replace("Z", "+00:00"))


def local(zone, value):
    """The instant of a local time that exists; of two, the first."""
    return datetime.fromisoformat(value).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def window(start, end, **more):
    return {"start": start, "end": end, **more}


def rows():
    night = [("21:00", "08:00")]
    yield row("marketing SMS in New York", ["America/New_York"], night, at("2027-06-15T01:30:00Z"))
    yield row("the night of 23 hours in New York", ["America/New_York"], night, at("2027-03-14T04:30:00Z"))
    yield row("the night of 25 hours in New York", ["America/New_York"], night, at("2027-11-07T03:30:00Z"))
    yield row("the first minute of the window", ["Europe/Berlin"], night, at("2027-06-15T19:00:00Z"))
    yield row("the last second before the window", ["Europe/Berlin"], night, at("2027-06-15T18:59:59Z"))
    yield row("the last second of the window", ["Europe/Berlin"], night, at("2027-06-16T05:59:59Z"))
    yield row("the end of the window is allowed", ["Europe/Berlin"], night, at("2027-06-16T06:00:00Z"))
    yield row("equal ends: never", ["Europe/Berlin"], [("08:00", "08:00")], at("2027-06-15T12:00:00Z"))
    yield row("two rules that leave nothing", ["Asia/Tokyo"], [("08:00", "20:00"), ("19:00", "09:00")], at("2027-06-15T12:00:00Z"))
    yield row("two rules that leave an hour", ["Asia/Tokyo"], [("08:00", "20:00"), ("21:00", "09:00")], at("2027-06-15T12:30:00Z"))
    yield row("two rules that meet", ["Europe/London"], [("21:00", "02:00"), ("02:00", "08:00")], at("2027-06-15T22:30:00Z"))
    yield row("no rule", ["Europe/London"], [], at("2027-06-15T22:30:00Z"))
    yield row("two zones of one phone prefix", ["America/New_York", "America/Los_Angeles"], night, at("2027-06-15T04:30:00Z"))
    yield row("two zones half a world apart", ["America/Los_Angeles", "Asia/Kolkata"], night, at("2027-06-15T04:30:00Z"))
    yield row("three zones that share no hour", ["America/Los_Angeles", "Europe/London", "Asia/Tokyo"], [("17:00", "09:00")], at("2027-06-15T12:00:00Z"))
    yield row("zones that change clocks on different days", ["Europe/London", "America/New_York"], night, at("2027-03-14T05:00:00Z"))
    for zone in ZONES:
        yield row(f"{zone}, a day of July", [zone], night, at("2027-07-05T23:17:41Z"))
        yield row(f"{zone}, a day of January", [zone], night, at("2027-01-04T12:29:30Z"))
        for number, change in enumerate(transitions(zone)):
            for hours in WINDOWS:
                for minutes in (-95, -1, 0, 44):
                    moment = change + timedelta(minutes=minutes)
                    found = row(f"{zone}, change {number + 1}, {minutes:+d} min", [zone], [hours], moment)
                    # Rows where nothing is quiet prove little; a few of them are kept above.
                    if found["expected"] != found["at"]:
                        yield found
    yield from rows_of_days()
    yield from rows_of_messages()
    yield from rows_of_years()
    yield from rows_of_odd_days()


def rows_of_days():
    """Weekdays, dates and effective dates: asked of the day on which a window starts. 2027-06-19 is a Saturday."""
    saturday, sunday = [6], [7]
    for zone in WORLD:
        for name, rule, moments in [
            ("Saturday night", window("22:00", "06:00", weekdays=saturday), ("2027-06-18T23:00", "2027-06-19T05:00", "2027-06-19T22:00", "2027-06-20T03:00", "2027-06-20T06:00", "2027-06-20T23:00")),
            ("all Sunday", window("00:00", "00:00", weekdays=sunday), ("2027-06-19T23:59", "2027-06-20T00:00", "2027-06-20T23:59", "2027-06-21T00:00")),
            ("Sunday noon to Monday noon", window("12:00", "12:00", weekdays=sunday), ("2027-06-20T11:59", "2027-06-20T12:00", "2027-06-21T11:59", "2027-06-21T12:00")),
        ]:
            for moment in moments:
                yield row(f"{zone}, {name}", [zone], [rule], local(zone, moment))
    ny = "America/New_York"
    noel = window("00:00", "00:00", dates=["12-25"])
    for name, rules, moment in [
        ("Christmas of every year", [noel], "2027-12-25T09:00"),
        ("Christmas of another year", [noel], "2031-12-25T09:00"),
        ("the day after Christmas", [noel], "2027-12-26T00:00"),
        ("a date of one year", [window("00:00", "00:00", dates=["2027-12-25"])], "2027-12-25T00:00"),
        ("a date of another year", [window("00:00", "00:00", dates=["2027-12-25"])], "2028-12-25T00:00"),
        ("the evening before reaches into a date that does not count", [window("20:00", "09:00", dates=["12-24"])], "2027-12-25T08:59"),
        ("a date's own night reaches into the next day", [window("20:00", "09:00", dates=["12-24"])], "2027-12-24T20:00"),
        ("the morning of the date is the night of the day before", [window("20:00", "09:00", dates=["12-24"])], "2027-12-24T08:00"),
        ("a date and a weekday: either", [window("00:00", "00:00", weekdays=[7], dates=["2027-12-25"])], "2027-12-25T10:00"),
        ("a weekday and a date: the weekday", [window("00:00", "00:00", weekdays=[7], dates=["2027-06-14"])], "2027-12-26T10:00"),
        ("every day but one, by two rules", [window("00:00", "00:00", weekdays=[1, 2, 3, 4, 5, 6]), window("21:00", "08:00")], "2027-06-14T10:00"),
        ("every weekday: never", [window("06:00", "06:00", weekdays=[1, 2, 3, 4, 5, 6, 7])], "2027-06-14T10:00"),
        ("an empty list of weekdays: no day", [window("00:00", "00:00", weekdays=[])], "2027-06-14T10:00"),
        ("before it is in force", [window("21:00", "08:00", **{"from": "2027-06-16"})], "2027-06-15T22:00"),
        ("the morning of its first day is still free", [window("21:00", "08:00", **{"from": "2027-06-16"})], "2027-06-16T07:00"),
        ("the first night in force", [window("21:00", "08:00", **{"from": "2027-06-16"})], "2027-06-16T21:00"),
        ("the last night in force reaches past its end", [window("21:00", "08:00", until="2027-06-16")], "2027-06-16T07:00"),
        ("no longer in force", [window("21:00", "08:00", until="2027-06-16")], "2027-06-16T21:00"),
        ("one rule ends, a stricter one begins", [window("21:00", "08:00", until="2027-06-16"), window("20:00", "09:00", **{"from": "2027-06-16"})], "2027-06-15T23:00"),
        ("one rule ends, a stricter one has begun", [window("21:00", "08:00", until="2027-06-16"), window("20:00", "09:00", **{"from": "2027-06-16"})], "2027-06-16T20:00"),
        ("in force for a single day", [window("00:00", "00:00", **{"from": "2027-06-16", "until": "2027-06-17"})], "2027-06-16T00:00"),
        ("Texas on a Sunday morning", [("21:00", "09:00"), window("00:00", "12:00", weekdays=[7])], "2027-06-20T05:00"),
        ("Texas on a Saturday night", [("21:00", "09:00"), window("00:00", "12:00", weekdays=[7])], "2027-06-19T21:00"),
        ("a long weekend", [("22:00", "08:00"), window("00:00", "00:00", weekdays=[7], dates=["2027-06-21"])], "2027-06-19T23:00"),
        ("Sunday the 14th has 23 hours", [window("00:00", "00:00", weekdays=[7])], "2027-03-14T00:30"),
        ("Sunday the 7th has 25 hours", [window("00:00", "00:00", weekdays=[7])], "2027-11-07T00:30"),
        ("Saturday night into the gap", [window("23:00", "02:30", weekdays=[6])], "2027-03-13T23:30"),
        ("Saturday night into the fold", [window("23:00", "01:30", weekdays=[6])], "2027-11-06T23:30"),
        ("a Sunday window that the gap swallows", [window("02:00", "03:00", weekdays=[7])], "2027-03-14T01:59"),
        ("a Sunday window twice at the fold", [window("01:00", "01:30", weekdays=[7])], "2027-11-07T01:15"),
    ]:
        yield row(name, [ny], rules, local(ny, moment))
    yield row("Sunday in either of two zones", ["America/Los_Angeles", "Pacific/Auckland"], [window("00:00", "00:00", weekdays=[7])], local("Pacific/Auckland", "2027-06-20T00:00"))
    yield row("two zones on two dates", ["Pacific/Pago_Pago", "Pacific/Kiritimati"], [window("00:00", "00:00", dates=["12-25"])], local("Pacific/Kiritimati", "2027-12-25T00:00"))
    yield row("three zones, three rules", ["Europe/Paris", "Europe/London", "Atlantic/Azores"], [("22:00", "08:00"), window("00:00", "00:00", weekdays=[7]), window("12:00", "14:00", dates=["2027-06-21"])], local("Europe/Paris", "2027-06-20T06:00"))


def rows_of_messages():
    """Which rules concern a message at all."""
    moment = local("America/New_York", "2027-06-15T22:00")
    for name, narrowing, message in [
        ("a rule for the channel", {"channels": ["email", "sms"]}, MESSAGE),
        ("a rule for another channel", {"channels": ["email"]}, MESSAGE),
        ("a rule for the purpose", {"purposes": ["marketing"]}, MESSAGE),
        ("a rule for another purpose", {"purposes": ["survey"]}, MESSAGE),
        ("a rule for the country", {"jurisdictions": ["US"]}, MESSAGE),
        ("a rule for the state", {"jurisdictions": ["US-FL"]}, MESSAGE),
        ("a rule for another state", {"jurisdictions": ["US-NY"]}, MESSAGE),
        ("a rule for a state, a person somewhere in the country", {"jurisdictions": ["US-FL"]}, {**MESSAGE, "jurisdictions": ["US"]}),
        ("a rule for a state, a person nobody knows where", {"jurisdictions": ["US-FL"]}, {**MESSAGE, "jurisdictions": []}),
        ("a rule for one of two states that are possible", {"jurisdictions": ["US-FL"]}, {**MESSAGE, "jurisdictions": ["US-NY", "US-FL"]}),
        ("codes that only begin alike", {"jurisdictions": ["US-F", "U"]}, MESSAGE),
        ("channel fits, purpose does not", {"channels": ["sms"], "purposes": ["survey"]}, MESSAGE),
        ("everything fits", {"channels": ["sms"], "purposes": ["marketing"], "jurisdictions": ["FR", "US"]}, MESSAGE),
        ("an empty list of channels: none", {"channels": []}, MESSAGE),
    ]:
        yield row(name, ["America/New_York"], [window("21:00", "08:00", **narrowing)], moment, message)
    law = [window("21:00", "08:00", jurisdictions=["US"]), window("20:00", "08:00", jurisdictions=["US-FL"]), window("21:00", "09:00", jurisdictions=["US-TX"])]
    for places in (["US"], ["US-FL"], ["US-TX"], ["US-FL", "US-TX"], ["CA-ON"]):
        for hour in ("20:30", "21:30"):
            yield row(f"laws of {'+'.join(places)}", ["America/New_York"], law, local("America/New_York", f"2027-06-15T{hour}"), {**MESSAGE, "jurisdictions": places})


def rows_of_years():
    """Year ends and leap days, on every continent."""
    for zone in WORLD:
        yield row(f"{zone}, New Year's Eve", [zone], [("21:00", "08:00")], local(zone, "2027-12-31T23:30"))
        yield row(f"{zone}, all New Year's Day", [zone], [window("00:00", "00:00", dates=["01-01"])], local(zone, "2028-01-01T00:00"))
        yield row(f"{zone}, leap day", [zone], [window("20:00", "10:00", dates=["02-29"])], local(zone, "2028-02-29T21:00"))
    for name, rule, moment in [
        ("a leap day of every year does not come in 2027", window("00:00", "00:00", dates=["02-29"]), "2027-03-01T00:00"),
        ("the night before the leap day", window("20:00", "10:00", dates=["02-28"]), "2028-02-29T09:00"),
        ("the night before 1 March", window("20:00", "10:00", dates=["02-28"]), "2027-03-01T09:00"),
        ("the leap day of 2028 is a Tuesday", window("00:00", "00:00", weekdays=[2]), "2028-02-29T12:00"),
        ("a rule ends with the year", window("21:00", "08:00", until="2028-01-01"), "2027-12-31T22:00"),
        ("a rule begins with the year", window("21:00", "08:00", **{"from": "2028-01-01"}), "2027-12-31T22:00"),
        ("2100 is no leap year", window("00:00", "00:00", dates=["02-28"]), "2100-02-28T23:59"),
    ]:
        yield row(name, ["Europe/Berlin"], [rule], local("Europe/Berlin", moment))


def rows_of_odd_days():
    """Days that a zone left out, and clocks that change by other amounts than an hour."""
    friday = [window("00:00", "00:00", weekdays=[5])]
    apia = "Pacific/Apia"  # 2011-12-30, a Friday, never came
    yield row("Apia, a Friday that never came", [apia], friday, local(apia, "2011-12-29T23:59"))
    yield row("Apia, the night of a Friday that never came", [apia], [window("20:00", "08:00", weekdays=[5])], local(apia, "2011-12-31T00:00"))
    yield row("Apia, Thursday night ends where Saturday begins", [apia], [window("20:00", "08:00", weekdays=[4])], local(apia, "2011-12-29T20:00"))
    yield row("Apia, every night", [apia], [("20:00", "08:00")], local(apia, "2011-12-29T20:30"))
    yield row("Apia, all days but Friday", [apia], [window("00:00", "00:00", weekdays=[1, 2, 3, 4, 6, 7])], local(apia, "2011-12-27T12:00"))
    yield row("Apia, 24 hours from Thursday noon", [apia], [window("12:00", "12:00", weekdays=[4])], local(apia, "2011-12-29T12:00"))
    kwajalein = "Pacific/Kwajalein"  # 1993-08-21, a Saturday, never came
    yield row("Kwajalein, a Saturday that never came", [kwajalein], [window("21:00", "08:00", weekdays=[6])], local(kwajalein, "1993-08-22T01:00"))
    yield row("Kwajalein, every night", [kwajalein], [("21:00", "08:00")], local(kwajalein, "1993-08-20T22:00"))
    for zone, days in [("Australia/Lord_Howe", ("2027-04-03T23:00", "2027-10-02T23:00")), ("Antarctica/Troll", ("2027-03-27T23:00", "2027-10-30T23:00")), ("Pacific/Chatham", ("2027-04-03T23:00", "2027-09-25T23:00")), ("America/St_Johns", ("2027-03-13T23:00", "2027-11-06T23:00"))]:
        for moment in days:
            yield row(f"{zone}, Saturday night", [zone], [window("22:00", "02:15", weekdays=[6])], local(zone, moment))
            yield row(f"{zone}, all Saturday from 02:00", [zone], [window("02:00", "02:00", weekdays=[6])], local(zone, moment))
            yield row(f"{zone}, all Sunday", [zone], [window("00:00", "00:00", weekdays=[7])], local(zone, moment) + timedelta(hours=1))


def main():
    lines = ",\n  ".join(json.dumps(found) for found in rows())
    Path(__file__).with_name("quiet-hours.json").write_text(f"[\n  {lines}\n]\n")


main()
