"""Writes phones.json: example numbers, with the time zones and the country that the PyPI package phonenumbers gives them.

The product's tables are shorter and may say more zones, never fewer. Zones of another country than the number's are left
out: there the package names a zone whose clock is, or was, alike.
Run: pip install phonenumbers tzdata && python3 test/cases/generate-phones.py
"""

import json
from importlib.resources import files
from pathlib import Path

import phonenumbers
from phonenumbers import PhoneNumberType, timezone

TABLES = files("tzdata").joinpath("zoneinfo")
LINKS = dict(line.split()[:0:-1] for line in TABLES.joinpath("tzdata.zi").read_text().splitlines() if line.startswith("L "))
AT_HOME = {}
for line in TABLES.joinpath("zone.tab").read_text().splitlines():
    if not line.startswith("#"):
        country, _, zone, *_ = line.split("\t")
        AT_HOME.setdefault(country, set()).add(LINKS.get(zone, zone))
# zone.tab has no row for Kosovo, Ascension and Tristan da Cunha, whose numbers exist all the same.
for country, zone in {"XK": "Europe/Belgrade", "AC": "Atlantic/St_Helena", "TA": "Atlantic/St_Helena"}.items():
    AT_HOME[country] = {LINKS.get(zone, zone)}


def row(number, region):
    zones = [zone for zone in timezone.time_zones_for_number(number) if LINKS.get(zone, zone) in AT_HOME[region]]
    return {"phone": phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), "region": region, "zones": zones}


def rows():
    for region in sorted(phonenumbers.SUPPORTED_REGIONS & AT_HOME.keys()):
        for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE):
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                yield row(number, phonenumbers.region_code_for_number(number))
    for area in range(201, 1000):
        number = phonenumbers.parse(f"+1{area}5550123")
        region = phonenumbers.region_code_for_number(number)
        if region in ("US", "CA") and area % 100 != 11 and len(timezone.time_zones_for_number(number)) < 10:
            yield row(number, region)


def main():
    unique = {found["phone"]: found for found in rows()}
    lines = ",\n  ".join(json.dumps(found) for found in unique.values())
    Path(__file__).with_name("phones.json").write_text(f"[\n  {lines}\n]\n")


main()
