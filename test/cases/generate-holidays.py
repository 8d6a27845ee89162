"""Writes french-holidays.json: the public holidays of France, year by year.

Article L3133-1 of the Code du travail names them. Easter Sunday is found from its definition, not from a formula of days: the
Sunday after the ecclesiastical full moon (Clavius' tables: golden number and epact) on or after 21 March.
Run: python3 test/cases/generate-holidays.py
"""

import json
from datetime import date, timedelta
from pathlib import Path

FIXED = ["01-01", "05-01", "05-08", "07-14", "08-15", "11-01", "11-11", "12-25"]
AFTER_EASTER = {"Easter Monday": 1, "Ascension": 39, "Whit Monday": 50}


def easter(year):
    century = year // 100 + 1
    golden = year % 19 + 1
    epact = (11 * golden + 20 + (8 * century + 5) // 25 - 5 - (3 * century // 4 - 12)) % 30
    if epact == 24 or epact == 25 and golden > 11:
        epact += 1
    moon = date(year, 3, 1) + timedelta(days=(44 - epact if epact <= 23 else 74 - epact) - 1)
    return moon + timedelta(days=7 - moon.isoweekday() % 7)


def holidays(year):
    movable = [(easter(year) + timedelta(days=days)).isoformat() for days in AFTER_EASTER.values()]
    return sorted([f"{year}-{day}" for day in FIXED] + movable)


def main():
    lines = ",\n  ".join(f"{json.dumps(str(year))}: {json.dumps(holidays(year))}" for year in range(2026, 2036))
    Path(__file__).with_name("french-holidays.json").write_text(f"{{\n  {lines}\n}}\n")


main()
