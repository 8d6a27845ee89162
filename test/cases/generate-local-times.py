"""Writes local-times.json: the instants that scheduled local times name, by Python's zoneinfo.

Independent of the product's code: the arithmetic is that of Python's aware datetimes with fold=0 (PEP 495), which reads a
time in a gap with the offset before it and a time that comes twice as its first coming, as RFC 5545 asks.
Run: python3 test/cases/generate-local-times.py   (PYTHONTZPATH chooses the IANA data; the rows agree in 2025b and 2026f)
"""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

UTC = timezone.utc
ZONES = [
    "America/New_York", "America/Los_Angeles", "America/St_Johns", "America/Santiago", "America/Nuuk",
    "Atlantic/Azores", "Europe/London", "Europe/Berlin", "Africa/Cairo", "Africa/Johannesburg", "Asia/Beirut",
    "Asia/Kathmandu", "Asia/Tokyo", "Australia/Adelaide", "Australia/Lord_Howe", "Pacific/Auckland",
    "Pacific/Chatham", "Antarctica/Troll",
]
AROUND = (-61, -1, 0, 1, 29, 30, 31, 59, 60, 61, 119, 120)


def text(instant):
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def resolve(naive, zone):
    """The instant, and whether the time did not exist: then it does not come back from UTC as it went."""
    instant = naive.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    back = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)
    return instant, None if back == naive else "gap"


def scheduled(name, zone, naive):
    instant, shifted = resolve(naive, zone)
    minute = naive.hour * 60 + naive.minute
    return {"name": name, "zone": zone, "date": naive.date().isoformat(), "minute": minute, "expected": text(instant), "shifted": shifted}


def added(name, zone, at, days, at_minute=None):
    naive = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) + timedelta(days=days)
    if at_minute is not None:
        naive = naive.replace(hour=at_minute // 60, minute=at_minute % 60, second=0)
    instant, shifted = resolve(naive, zone)
    return {"name": name, "zone": zone, "at": text(at), "days": days, "minute": at_minute, "expected": text(instant), "shifted": shifted}


def changes(zone, year):
    """Wall clocks just before each change of offset in a year, found minute by minute, and the instants of the changes."""
    instant, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    while instant < end:
        following = instant + timedelta(hours=1)
        offset = instant.astimezone(ZoneInfo(zone)).utcoffset()
        if following.astimezone(ZoneInfo(zone)).utcoffset() != offset:
            while instant.astimezone(ZoneInfo(zone)).utcoffset() == offset:
                instant += timedelta(minutes=1)
            yield instant, instant.astimezone(UTC).replace(tzinfo=None) + offset
        else:
            instant = following


def at(value):
    return datetime.fromisoformat(value.replace("Z", "+00:00"))


def rows():
    ny = "America/New_York"
    yield added("one day at noon", ny, at("2027-03-13T17:00:00Z"), 1, 720)
    yield added("one day, the same time", ny, at("2027-03-13T17:00:00Z"), 1)
    yield added("today at eight", ny, at("2027-06-15T17:00:00Z"), 0, 480)
    yield added("seven days over the fold", ny, at("2027-11-03T13:00:00Z"), 7)
    yield added("one day into the gap", ny, at("2027-03-13T07:30:00Z"), 1)
    yield added("one day into the fold", ny, at("2027-11-06T05:30:00Z"), 1)
    yield added("one day from the second coming", ny, at("2027-11-07T06:30:00Z"), 1)
    yield added("one day into a leap day", "Europe/Berlin", at("2028-02-28T11:00:00Z"), 1)
    yield added("one day from New Year's Eve", "Pacific/Kiritimati", at("2027-12-31T09:59:59Z"), 1)
    yield added("a year of days", "Europe/London", at("2027-06-15T12:00:00Z"), 366, 0)
    yield added("two days over a date that never came", "Pacific/Apia", at("2011-12-30T04:00:00Z"), 2)
    yield added("one day into a date that never came", "Pacific/Apia", at("2011-12-30T04:00:00Z"), 1)
    yield scheduled("noon of a date that never came", "Pacific/Apia", datetime(2011, 12, 30, 12))
    yield scheduled("its first minute", "Pacific/Apia", datetime(2011, 12, 30))
    yield scheduled("its last minute", "Pacific/Apia", datetime(2011, 12, 30, 23, 59))
    yield scheduled("the day before", "Pacific/Apia", datetime(2011, 12, 29, 23, 59))
    yield scheduled("the day after", "Pacific/Apia", datetime(2011, 12, 31))
    for zone in ZONES:
        yield scheduled("noon in June", zone, datetime(2027, 6, 15, 12))
        yield added("three days", zone, at("2027-01-30T21:47:13Z"), 3)
        for number, (change, wall) in enumerate(changes(zone, 2027)):
            for minutes in AROUND:
                yield scheduled(f"change {number + 1}, {minutes:+d} min on the clock before it", zone, wall + timedelta(minutes=minutes))
            yield added(f"one day over change {number + 1}", zone, change - timedelta(hours=12), 1)
            yield added(f"midnight after change {number + 1}", zone, change, 1, 0)


def main():
    lines = ",\n  ".join(json.dumps(found) for found in rows())
    Path(__file__).with_name("local-times.json").write_text(f"[\n  {lines}\n]\n")


main()
