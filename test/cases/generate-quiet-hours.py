"""Writes quiet-hours.json: expected first allowed instants, found minute by minute with Python's zoneinfo.

Independent of the product's code on purpose: no jumps, no transitions, only the wall clock of every single minute.
Run: python3 test/cases/generate-quiet-hours.py   (PYTHONTZPATH chooses the IANA data; the zones below agree in 2025b and 2026f)
"""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

UTC = timezone.utc
MINUTE = timedelta(minutes=1)
HORIZON = timedelta(days=8)
YEAR = 2027

ZONES = [
    "America/New_York", "America/Los_Angeles", "America/St_Johns", "America/Santiago",
    "America/Sao_Paulo", "America/Nuuk", "Atlantic/Azores", "Europe/London", "Europe/Berlin", "Africa/Cairo",
    "Africa/Johannesburg", "Asia/Beirut", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tokyo", "Australia/Adelaide",
    "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham", "Antarctica/Troll", "Pacific/Kiritimati",
]
WINDOWS = [("21:00", "08:00"), ("02:00", "03:00"), ("00:00", "00:30"), ("01:45", "02:15"), ("23:30", "01:30")]


def minute_of(text):
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def is_quiet(rule, minute):
    start, end = minute_of(rule["start"]), minute_of(rule["end"])
    if start == end:
        return True
    return start <= minute < end if start < end else minute >= start or minute < end


def is_allowed(at, zones, rules):
    for zone in zones:
        local = at.astimezone(ZoneInfo(zone))
        if any(is_quiet(rule, local.hour * 60 + local.minute) for rule in rules):
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


def transitions(zone):
    """Every instant of the year at which the offset of the zone changes, to the minute."""
    found = []
    instant = datetime(YEAR, 1, 1, tzinfo=UTC)
    offset = instant.astimezone(ZoneInfo(zone)).utcoffset()
    while instant.year == YEAR:
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


def row(name, zones, windows, at):
    rules = [{"start": start, "end": end} for start, end in windows]
    return {"name": name, "zones": zones, "rules": rules, "at": text(at), "expected": text(first_allowed(at, zones, rules))}


def at(value):
    return datetime.fromisoformat(value.replace("Z", "+00:00"))


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
            for window in WINDOWS:
                for minutes in (-95, -1, 0, 44):
                    moment = change + timedelta(minutes=minutes)
                    found = row(f"{zone}, change {number + 1}, {minutes:+d} min", [zone], [window], moment)
                    # Rows where nothing is quiet prove little; a few of them are kept above.
                    if found["expected"] != found["at"]:
                        yield found


def main():
    lines = ",\n  ".join(json.dumps(found) for found in rows())
    Path(__file__).with_name("quiet-hours.json").write_text(f"[\n  {lines}\n]\n")


main()
