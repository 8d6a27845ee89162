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


def local_day(zone, instant):
    return instant.astimezone(ZoneInfo(zone)).date()


def is_same_period(unit, zone, one, other):
    left, right = local_day(zone, one), local_day(zone, other)
    if unit == "day":
        return left == right
    if unit == "week":
        return left.isocalendar()[:2] == right.isocalendar()[:2]
    return (left.year, left.month) == (right.year, right.month)


# What is asked about, and every contact unless it says otherwise.
USUAL = {"channel": "email", "journey": "welcome", "tags": ["spring"], "group": "offers", "purpose": "marketing", "state": "sent"}


def whole(contact):
    return {**USUAL, **({"at": contact} if isinstance(contact, str) else contact)}


def is_about(scope, contact):
    kind, value = (scope.split(":") + [None])[:2]
    return kind == "global" or (value in contact["tags"] if kind == "tag" else contact[kind] == value)


def holds_place(contact, gives_back_on):
    return contact["state"] in ("sending", "unknown") or contact["state"] not in gives_back_on


def counted(window, zone, now, contacts):
    past = [contact for contact in contacts if contact <= now]
    if window["kind"] in ("rolling", "min_gap"):
        return sum(contact > now - timedelta(seconds=window["seconds"]) for contact in past)
    return sum(is_same_period(window["unit"], zone, contact, now) for contact in past)


def has_room(window, limit, zones, now, contacts):
    return all(counted(window, zone, now, contacts) < limit for zone in zones)


def first_room(window, limit, zones, moment, past):
    """Hour by hour, then minute by minute: what has room keeps it, since nobody takes it."""
    if limit == 0:
        return None
    hour = 0
    while not has_room(window, limit, zones, moment + timedelta(hours=hour), past):
        hour += 1
        assert hour < 33 * 24
    until = moment + timedelta(hours=max(hour - 1, 0))
    while not has_room(window, limit, zones, until, past):
        until += MINUTE
    return until


def row(name, zones, window, limit, now, contacts, scope="global", gives_back_on=("failed",)):
    moment = at(now)
    concerned = [contact for contact in map(whole, contacts)
                 if is_about(scope, contact) and contact["purpose"] == "marketing" and holds_place(contact, gives_back_on)]
    made = [at(contact["at"]) for contact in concerned]
    past = [contact for contact in made if contact <= moment]
    return {
        "name": name, "zones": zones, "window": window, "limit": limit, "scope": scope,
        "gives_back_on": list(gives_back_on), "now": now, "contacts": contacts,
        "count": max(counted(window, zone, moment, made) for zone in zones),
        "until": text(first_room(window, limit, zones, moment, past)),
    }


def rolling(hours):
    return {"kind": "rolling", "seconds": hours * 3600}


def gap(minutes):
    return {"kind": "min_gap", "seconds": minutes * 60}


DAY, WEEK, MONTH = ({"kind": "calendar", "unit": unit} for unit in ("day", "week", "month"))
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
    yield from gaps()
    yield from weeks()
    yield from months()
    yield from scopes()
    yield from states()


def gaps():
    berlin, before_midnight = ["Europe/Berlin"], "2027-06-15T21:50:00Z"
    for name, minutes, now in [
        ("23:50 and 00:05, a gap of 30 minutes", 30, "2027-06-15T22:05:00Z"),
        ("a gap that has just passed", 15, "2027-06-15T22:05:00Z"),
        ("a gap that passes in a minute", 16, "2027-06-15T22:05:00Z"),
        ("a gap that ends on the next day", 120, "2027-06-15T23:49:00Z"),
        ("a gap of two days", 2880, "2027-06-16T21:50:00Z"),
    ]:
        yield row(name, berlin, gap(minutes), 1, now, [before_midnight])
    yield row("a gap after the latest of several", berlin, gap(60), 1, "2027-06-15T22:05:00Z", [before_midnight, "2027-06-15T21:20:00Z"])
    for zone, day in CHANGES[:4]:
        midnight = at(f"{day}T12:00:00Z") - timedelta(hours=12)
        for hours in (4, 8):
            now = text(midnight + timedelta(hours=hours))
            yield row(f"a gap of 6 h, {zone} {day} at {hours} h UTC", [zone], gap(360), 1, now, [text(midnight + timedelta(hours=1))])


def weeks():
    for zone, monday in [
        ("Europe/Berlin", "2027-03-29"), ("Europe/Berlin", "2027-11-01"), ("America/New_York", "2027-03-15"),
        ("America/New_York", "2027-11-08"), ("Asia/Kathmandu", "2027-01-04"), ("Australia/Lord_Howe", "2027-10-04"),
        ("Pacific/Chatham", "2027-04-05"), ("America/St_Johns", "2028-01-03"), ("Africa/Cairo", "2027-05-03"),
    ]:
        start = datetime.fromisoformat(f"{monday}T00:00:00").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        made = [text(start + timedelta(minutes=minutes)) for minutes in (-7 * 1440, -300, -10, 5)]
        for minutes in (-5, 0, 10, 3 * 1440):
            now = text(start + timedelta(minutes=minutes))
            yield row(f"week from {monday} in {zone}, {minutes:+d} min", [zone], WEEK, 2, now, made)
    yield row("a Sunday evening counts for its own week", ["UTC"], WEEK, 1, "2027-06-21T00:00:00Z", ["2027-06-20T23:59:00Z"])
    yield row("the week of a new year", ["UTC"], WEEK, 2, "2028-01-02T12:00:00Z", ["2027-12-27T00:00:00Z", "2028-01-01T00:00:00Z"])
    yield row("a week that begins at two instants", ["Asia/Tokyo", "America/New_York"], WEEK, 1, "2027-06-20T18:00:00Z", ["2027-06-20T14:00:00Z"])


def months():
    for zone, first in [
        ("Europe/Berlin", "2028-02-01"), ("Europe/Berlin", "2028-03-01"), ("America/New_York", "2027-03-01"), ("America/New_York", "2027-12-01"),
        ("Asia/Kathmandu", "2028-01-01"), ("Africa/Lagos", "2027-03-01"), ("Pacific/Apia", "2027-07-01"), ("Asia/Beirut", "2027-04-01"),
    ]:
        start = datetime.fromisoformat(f"{first}T00:00:00").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        made = [text(start + timedelta(minutes=minutes)) for minutes in (-20 * 1440, -10, 5, 12 * 1440)]
        for minutes in (-5, 0, 10, 28 * 1440):
            now = text(start + timedelta(minutes=minutes))
            yield row(f"month from {first} in {zone}, {minutes:+d} min", [zone], MONTH, 2, now, made)
    yield row("29 February ends a month", ["UTC"], MONTH, 1, "2028-02-29T23:59:00Z", ["2028-02-01T00:00:00Z"])
    yield row("28 February ends a month in other years", ["UTC"], MONTH, 1, "2027-03-01T00:00:00Z", ["2027-02-28T23:59:00Z"])
    yield row("31 days and the same month", ["UTC"], MONTH, 1, "2027-01-31T23:00:00Z", ["2027-01-01T01:00:00Z"])
    yield row("two zones, two months", ["Pacific/Kiritimati", "Pacific/Pago_Pago"], MONTH, 1, "2027-06-30T12:00:00Z", ["2027-06-30T09:00:00Z"])


def scopes():
    now = "2027-06-15T12:00:00Z"
    # Each contact differs in one thing from what is asked about.
    others = [{"at": "2027-06-15T11:00:00Z", **more} for more in (
        {}, {"channel": "sms"}, {"journey": "other"}, {"journey": None}, {"tags": []}, {"tags": ["autumn", "spring"]},
        {"group": "news"}, {"group": None}, {"purpose": "transactional"},
    )]
    for scope in ("global", "channel:email", "journey:welcome", "tag:spring", "group:offers"):
        for number, contact in enumerate(others):
            yield row(f"{scope} and contact {number}", ["UTC"], rolling(24), 1, now, [contact], scope)


def states():
    now = "2027-06-15T12:00:00Z"
    for state in ("sending", "unknown", "sent", "delivered", "failed", "bounced", "complained"):
        for gives_back_on in ([], ["failed"], ["failed", "bounced"], ["sending", "unknown", "failed", "bounced", "complained"]):
            contacts = [{"at": "2027-06-15T11:00:00Z", "state": state}]
            yield row(f"{state} under {' '.join(gives_back_on) or 'nothing'}", ["UTC"], DAY, 1, now, contacts, "global", gives_back_on)


def main():
    lines = ",\n  ".join(json.dumps(found) for found in rows())
    Path(__file__).with_name("caps.json").write_text(f"[\n  {lines}\n]\n")


main()
