"""Writes caps.json: expected counts and freeing instants of contact limits, found with Python's zoneinfo.

Independent of the product's code on purpose: a calendar day is "equal local date", searched minute by minute.
Run: python3 test/cases/generate-caps.py
"""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

UTC = timezone.utc
MINUTE = timedelta(minutes=1)


def at(value):
    return datetime.fromisoformat(value.replace("Z", "+00:00"))


def text(instant):
    return None if instant is None else instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def counted(window, zone, now, contacts):
    past = [contact for contact in contacts if contact <= now]
    if window["kind"] == "rolling":
        return sum(contact > now - timedelta(seconds=window["seconds"]) for contact in past)
    date = now.astimezone(ZoneInfo(zone)).date()
    return sum(contact.astimezone(ZoneInfo(zone)).date() == date for contact in past)


def has_room(window, limit, zones, now, contacts):
    return all(counted(window, zone, now, contacts) < limit for zone in zones)


def row(name, zones, window, limit, now, contacts):
    moment, made = at(now), [at(contact) for contact in contacts]
    until = moment
    past = [contact for contact in made if contact <= moment]
    for _ in range(9 * 24 * 60):
        if has_room(window, limit, zones, until, past):
            break
        until += MINUTE
    else:
        until = None
    return {
        "name": name, "zones": zones, "window": window, "limit": limit, "now": now, "contacts": contacts,
        "count": max(counted(window, zone, moment, made) for zone in zones),
        "until": text(until),
    }


def rolling(hours):
    return {"kind": "rolling", "seconds": hours * 3600}


DAY = {"kind": "calendar", "unit": "day"}
# Zone, a day on which its clocks change, in UTC from well before to well after.
CHANGES = [
    ("America/New_York", "2027-03-14"), ("America/New_York", "2027-11-07"), ("Europe/Berlin", "2027-03-28"),
    ("Europe/Berlin", "2027-10-31"),
    ("Asia/Beirut", "2027-03-28"), ("Asia/Beirut", "2027-10-31"), ("Africa/Cairo", "2027-04-30"),
    ("Africa/Cairo", "2027-10-29"), ("Australia/Lord_Howe", "2027-10-03"), ("Australia/Lord_Howe", "2027-04-04"),
    ("America/Santiago", "2027-09-05"), ("Pacific/Chatham", "2027-04-04"), ("Asia/Kathmandu", "2027-06-01"),
]


def rows():
    berlin, utc = ["Europe/Berlin"], ["UTC"]
    yield row("no contact yet", utc, rolling(24), 1, "2027-06-15T12:00:00Z", [])
    yield row("a limit of nothing", utc, rolling(24), 0, "2027-06-15T12:00:00Z", [])
    yield row("a calendar limit of nothing", utc, DAY, 0, "2027-06-15T12:00:00Z", [])
    yield row("23:50 and 00:05, rolling day", berlin, rolling(24), 1, "2027-06-15T22:05:00Z", ["2027-06-15T21:50:00Z"])
    yield row("23:50 and 00:05, calendar day", berlin, DAY, 1, "2027-06-15T22:05:00Z", ["2027-06-15T21:50:00Z"])
    yield row("23:50 and 00:05 in another zone's one day", ["Europe/Berlin", "Europe/London"], DAY, 1, "2027-06-15T22:05:00Z", ["2027-06-15T21:50:00Z"])
    yield row("exactly as old as the window", utc, rolling(24), 1, "2027-06-15T12:00:00Z", ["2027-06-14T12:00:00Z"])
    yield row("a minute younger than the window", utc, rolling(24), 1, "2027-06-15T12:00:00Z", ["2027-06-14T12:01:00Z"])
    yield row("at this very instant", utc, rolling(24), 1, "2027-06-15T12:00:00Z", ["2027-06-15T12:00:00Z"])
    yield row("two of two", utc, rolling(24), 2, "2027-06-15T12:00:00Z", ["2027-06-14T18:00:00Z", "2027-06-15T11:00:00Z"])
    yield row("one of two", utc, rolling(24), 2, "2027-06-15T12:00:00Z", ["2027-06-14T10:00:00Z", "2027-06-15T11:00:00Z"])
    yield row("three where two are allowed", utc, rolling(24), 2, "2027-06-15T12:00:00Z", ["2027-06-14T18:00:00Z", "2027-06-14T20:00:00Z", "2027-06-15T11:00:00Z"])
    yield row("a week", utc, rolling(168), 3, "2027-06-15T12:00:00Z", ["2027-06-09T12:00:00Z", "2027-06-10T12:00:00Z", "2027-06-15T00:00:00Z"])
    yield row("a contact after now", utc, rolling(24), 1, "2027-06-15T12:00:00Z", ["2027-06-15T12:00:01Z"])
    yield row("the first minute of the day", berlin, DAY, 1, "2027-06-15T21:59:00Z", ["2027-06-14T22:00:00Z"])
    yield row("the last minute of the day before", berlin, DAY, 1, "2027-06-15T21:59:00Z", ["2027-06-14T21:59:00Z"])
    yield row("zones on two sides of the date line", ["Pacific/Kiritimati", "Pacific/Pago_Pago"], DAY, 1, "2027-06-15T12:00:00Z", ["2027-06-15T08:00:00Z"])
    for zone, day in CHANGES:
        noon = at(f"{day}T12:00:00Z")
        for hours in (-30, -20, -12, -6, 0, 6, 11):
            made = [text(noon - timedelta(hours=behind)) for behind in (25, 13, 1)]
            now = text(noon + timedelta(hours=hours))
            yield row(f"{zone} {day}, {hours:+d} h from noon UTC", [zone], DAY, 1, now, made)


def main():
    lines = ",\n  ".join(json.dumps(found) for found in rows())
    Path(__file__).with_name("caps.json").write_text(f"[\n  {lines}\n]\n")


main()
