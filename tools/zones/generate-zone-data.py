"""Writes src/core/users/data/*.data.ts: which time zones and laws a phone number or a place may stand for.

Sources: the PyPI package `phonenumbers` (Apache License 2.0, a port of Google's libphonenumber: time zones by prefix, names
of places by area code in North America, country codes) and the IANA tables zone.tab and tzdata.zi of the PyPI package
`tzdata` (public domain). Where a source is more certain than a telephone number can be, the tables say less:

* North American numbers are read by area code only. Exchanges name towns, but numbers move with their owners.
* Elsewhere the first digits, at most four with the country code, decide; all zones below them are kept.
* Mobile numbers outside countries where they carry an area code name every zone of the country.

Run: pip install phonenumbers tzdata && python3 tools/zones/generate-zone-data.py
"""

import re
from collections import defaultdict
from datetime import datetime
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers.geodata import GEOCODE_DATA
from phonenumbers.tzdata import TIMEZONE_DATA

OUT = Path(__file__).parents[2] / "src/core/users/data"
DEPTH = 4
NORTH_AMERICA = "1"
# Mexico, Argentina, Brazil: a mobile number carries the area code of the place where it was bought.
MOBILE_WITH_AREA_CODE = {"52", "54", "55"}
TERRITORIES = {"AS", "GU", "MP", "PR", "VI"}

STATES = {
    "Alabama": "AL", "Alaska": "AK", "Arizona": "AZ", "Arkansas": "AR", "California": "CA", "Colorado": "CO",
    "Connecticut": "CT", "Delaware": "DE", "Washington D.C.": "DC", "Florida": "FL", "Georgia": "GA", "Hawaii": "HI",
    "Idaho": "ID", "Illinois": "IL", "Indiana": "IN", "Iowa": "IA", "Kansas": "KS", "Kentucky": "KY",
    "Louisiana": "LA", "Maine": "ME", "Maryland": "MD", "Massachusetts": "MA", "Michigan": "MI", "Minnesota": "MN",
    "Mississippi": "MS", "Missouri": "MO", "Montana": "MT", "Nebraska": "NE", "Nevada": "NV", "New Hampshire": "NH",
    "New Jersey": "NJ", "New Mexico": "NM", "New York": "NY", "North Carolina": "NC", "North Dakota": "ND",
    "Ohio": "OH", "Oklahoma": "OK", "Oregon": "OR", "Pennsylvania": "PA", "Rhode Island": "RI",
    "South Carolina": "SC", "South Dakota": "SD", "Tennessee": "TN", "Texas": "TX", "Utah": "UT", "Vermont": "VT",
    "Virginia": "VA", "Washington State": "WA", "West Virginia": "WV", "Wisconsin": "WI", "Wyoming": "WY",
}
PROVINCES = {
    "Alberta": "AB", "British Columbia": "BC", "British Colombia": "BC", "Manitoba": "MB", "New Brunswick": "NB",
    "Newfoundland and Labrador": "NL", "Nova Scotia": "NS", "Prince Edward Island": "PE", "Ontario": "ON",
    "Quebec": "QC", "Saskatchewan": "SK", "Northwest Territories": "NT", "Nunavut": "NU", "Yukon": "YT",
}
# Limits of the zones within states: 49 CFR part 71. A state that lies in two is in both.
EASTERN, CENTRAL, MOUNTAIN, PACIFIC = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
STATE_ZONES = {
    (EASTERN,): "CT DC DE GA MA MD ME NC NH NJ NY OH PA RI SC VA VT WV",
    (CENTRAL,): "AL AR IA IL LA MN MO MS OK WI",
    (MOUNTAIN,): "CO MT NM UT WY",
    (PACIFIC,): "CA WA",
    (EASTERN, CENTRAL): "FL TN",
    (EASTERN, "America/Kentucky/Louisville", "America/Kentucky/Monticello", CENTRAL): "KY",
    (EASTERN, "America/Indiana/Indianapolis", CENTRAL): "IN",
    ("America/Detroit", "America/Menominee"): "MI",
    (CENTRAL, MOUNTAIN): "KS ND NE SD TX",
    (PACIFIC, "America/Boise"): "ID OR",
    (PACIFIC, MOUNTAIN): "NV",
    ("America/Phoenix", MOUNTAIN): "AZ",
    ("America/Anchorage", "America/Adak", "America/Metlakatla"): "AK",
    ("Pacific/Honolulu",): "HI",
}


def iana(name):
    return files("tzdata").joinpath("zoneinfo", name).read_text()


def links():
    """Alias -> the zone whose clock it is."""
    found = dict(line.split()[:0:-1] for line in iana("tzdata.zi").splitlines() if line.startswith("L "))
    return {alias: found.get(zone, zone) for alias, zone in found.items()}


LINKS = links()
ZONES_OF_COUNTRY = defaultdict(list)
for row in iana("zone.tab").splitlines():
    if row and not row.startswith("#"):
        country, _, zone, *_ = row.split("\t")
        ZONES_OF_COUNTRY[country].append(zone)
# Codes of numbers and addresses for which zone.tab has no row: Kosovo, Ascension, Tristan da Cunha. The zones are those
# that libphonenumber gives their numbers.
ZONES_OF_COUNTRY.update({"XK": ["Europe/Belgrade"], "AC": ["Atlantic/St_Helena"], "TA": ["Atlantic/St_Helena"]})
LISTED = [zone for zones in ZONES_OF_COUNTRY.values() for zone in zones]


def distinct(zones, preferred=()):
    """One name for each clock: the first of the preferred ones, else one that zone.tab lists."""
    best = {}
    order = [*preferred, *LISTED]
    for zone in sorted(set(zones), key=lambda name: (order.index(name) if name in order else len(order), name)):
        best.setdefault(LINKS.get(zone, zone), zone if zone in LISTED else LINKS.get(zone, zone))
    return tuple(sorted(best.values()))


def ancestor(prefix, calling_code):
    """The zones that are given for a prefix as a whole."""
    for length in range(len(prefix), len(calling_code) - 1, -1):
        if prefix[:length] in TIMEZONE_DATA:
            return prefix[:length]
    return None


def may_be_mobile(calling_code, prefix):
    """Whether some mobile number begins so: tried with random ends, the numbers of a country being a pattern."""
    random = Random(prefix)
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(calling_code)]:
        metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
        mobile = metadata and metadata.mobile
        if not mobile or not mobile.national_number_pattern:
            continue
        pattern, begin = re.compile(mobile.national_number_pattern), prefix[len(calling_code):]
        for length in mobile.possible_length or metadata.general_desc.possible_length:
            for _ in range(300):
                end = "".join(random.choices("0123456789", k=max(0, length - len(begin))))
                if pattern.fullmatch(begin + end):
                    return True
    return False


def country_zones(calling_code):
    """Every zone that the numbers of a calling code are said to lie in. Where its country has but one, that one."""
    own = {zone for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(calling_code)] for zone in ZONES_OF_COUNTRY[region]}
    if len(own) == 1:
        return own
    return at_home(calling_code, {zone for key, zones in TIMEZONE_DATA.items() if key.startswith(calling_code) for zone in zones})


def at_home(calling_code, zones):
    """A zone of another country stands for one that the source does not know: then it may be any of the country's."""
    own = [zone for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(calling_code)] for zone in ZONES_OF_COUNTRY[region]]
    clocks = {LINKS.get(zone, zone) for zone in own}
    known = {zone for zone in zones if LINKS.get(zone, zone) in clocks}
    return known if len(known) == len(zones) else known | set(own)


def zones_of_prefix(calling_code, prefix):
    below = [zones for key, zones in TIMEZONE_DATA.items() if key.startswith(prefix) and len(key) > len(prefix)]
    whole = ancestor(prefix, calling_code)
    if not (calling_code == NORTH_AMERICA and whole == NORTH_AMERICA and below):
        below.append(TIMEZONE_DATA[whole])
    if calling_code not in MOBILE_WITH_AREA_CODE | {NORTH_AMERICA} and may_be_mobile(calling_code, prefix):
        below.append(country_zones(calling_code))
    zones = at_home(calling_code, {zone for zones in below for zone in zones})
    # Kazakhstan shares the calling code of Russia, but not its numbers.
    return zones - set(ZONES_OF_COUNTRY["KZ"]) if calling_code == "7" and prefix[1] != "7" else zones


def phone_zones():
    found = {}
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        calling_code = str(code)
        if calling_code not in TIMEZONE_DATA:
            continue
        preferred = ZONES_OF_COUNTRY[regions[0]]
        whole = distinct(country_zones(calling_code), preferred)
        found[calling_code] = whole
        if len(whole) == 1:
            continue
        prefixes = {key[:DEPTH] for key in TIMEZONE_DATA if key.startswith(calling_code) and len(key) > len(calling_code)}
        for prefix in expanded(prefixes):
            zones = distinct(zones_of_prefix(calling_code, prefix), preferred)
            if zones != whole:
                found[prefix] = zones
    return merged(found)


def expanded(prefixes):
    """Every prefix of full depth below the given ones."""
    for prefix in prefixes:
        if len(prefix) >= DEPTH:
            yield prefix
        else:
            yield from expanded({f"{prefix}{digit}" for digit in range(10)})


def merged(found):
    """Ten siblings that say the same are said by their parent."""
    for length in range(DEPTH, 1, -1):
        for parent in {prefix[:-1] for prefix in found if len(prefix) == length}:
            children = [f"{parent}{digit}" for digit in range(10)]
            if parent not in found and len({found.get(child) for child in children}) == 1:
                found[parent] = found[children[0]]
                for child in children:
                    del found[child]
    return found


def region_codes(description):
    """`Nova Scotia/Prince Edward Island`, `Chicago, IL` -> ISO 3166-2 codes."""
    codes = set()
    for name in re.sub(r"^.*, (?=[A-Z]{2}$)", "", description).split("/"):
        if name in STATES or name in STATES.values():
            codes.add(f"US-{STATES.get(name, name)}")
        elif name in PROVINCES or name in PROVINCES.values():
            codes.add(f"CA-{PROVINCES.get(name, name)}")
    return codes


def area_code_places():
    """Area codes of the United States and Canada by what libphonenumber calls them, those of others by their country."""
    found = {}
    for area in range(200, 1000):
        prefix = f"1{area}"
        for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1]:
            digits = phonenumbers.PhoneMetadata.metadata_for_region(region).leading_digits
            if digits and re.fullmatch(digits, str(area)):
                found[prefix] = (f"US-{region}" if region in TERRITORIES else region,)
        own = GEOCODE_DATA.get(prefix, {}).get("en")
        below = [text["en"] for key, text in GEOCODE_DATA.items() if key.startswith(prefix) and len(key) > 4 and "en" in text]
        codes = region_codes(own) if own else {code for text in below for code in region_codes(text)}
        if prefix not in found and codes:
            found[prefix] = tuple(sorted(codes))
    return found


def phone_places():
    found = {}
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        found[str(code)] = tuple(sorted(region for region in regions if region != "001"))
    found = {prefix: places for prefix, places in found.items() if places}
    # A number without an area code of a place (toll-free ones among them) is one of the two large countries'.
    found[NORTH_AMERICA] = ("CA", "US")
    found["7"], found["77"] = ("RU",), ("KZ",)
    return {**found, **area_code_places()}


def place_zones():
    found = {country: distinct(zones, zones) for country, zones in ZONES_OF_COUNTRY.items()}
    for zones, states in STATE_ZONES.items():
        found.update({f"US-{state}": distinct(zones, zones) for state in states.split()})
    found.update({f"US-{territory}": found[territory] for territory in TERRITORIES})
    return found


def clock(zone):
    """What tells clocks apart today: their distance from UTC in winter and in summer."""
    return tuple(ZoneInfo(zone).utcoffset(datetime(2026, month, 15)) for month in (1, 7))


def compare(phones, places, zones):
    """Says where the two sources differ: what an area code means should lie within its state."""
    for prefix, codes in places.items():
        if len(prefix) == DEPTH and prefix[0] == NORTH_AMERICA and all(code.startswith("US-") for code in codes):
            of_state = {clock(zone) for code in codes for zone in zones[code]}
            beyond = [zone for zone in phones[prefix] if clock(zone) not in of_state]
            if beyond:
                print(f"+{prefix} {codes}: {beyond} lies outside the state")


def write(name, constant, about, source, table):
    """One line for each set of values: the values, then the keys that have it."""
    keys = defaultdict(list)
    for key, values in table.items():
        assert values, f"{name}: nothing is known of {key}"
        keys[" ".join(values)].append(key)
    lines = "\n".join(f"{values}: {' '.join(sorted(keys[values]))}" for values in sorted(keys))
    text = f"// Written by tools/zones/generate-zone-data.py; do not edit.\n// {source}\n\n/**\n * {about}\n */\nexport const {constant} = `\n{lines}\n`;\n"
    (OUT / f"{name}.data.ts").write_text(text)
    print(f"{name}: {len(table)} keys, {len(text)} bytes, {len(lines.splitlines())} lines")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    phones, places, zones = phone_zones(), phone_places(), place_zones()
    compare(phones, places, zones)
    numbers = f"From phonenumbers {version('phonenumbers')} (libphonenumber), Apache License 2.0; shortened, see the script."
    tables = f"From the IANA tables of tzdata {version('tzdata')} (public domain) and 49 CFR part 71."
    write("phone-zones", "PHONE_ZONES", "Time zones, then the beginnings of telephone numbers (country code first) that may mean any of them.", numbers, phones)
    write("phone-places", "PHONE_PLACES", "ISO 3166 codes, then the beginnings of telephone numbers (country code first) that may mean any of them.", numbers, places)
    write("place-zones", "PLACE_ZONES", "Time zones, then the ISO 3166 codes of places that lie in all of them together.", tables, zones)


main()
