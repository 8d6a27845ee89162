"""Writes sample-ratio.json: counts of arms, and Pearson's chi-square test of them.

The statistic is summed as exact fractions, the p-value comes from mpmath's incomplete gamma function with 50 digits.
"""

import json
import pathlib
import random
from fractions import Fraction

import mpmath

mpmath.mp.dps = 50
random.seed(20261123)


def tail(chi_square: Fraction, degrees: int) -> mpmath.mpf:
    x = mpmath.mpf(chi_square.numerator) / chi_square.denominator
    return mpmath.gammainc(mpmath.mpf(degrees) / 2, x / 2, regularized=True)


def statistic(group):
    units = sum(arm["units"] for arm in group)
    weights = sum(arm["weight"] for arm in group)
    total = Fraction(0)
    for arm in group:
        expected = Fraction(units * arm["weight"], weights)
        if expected < 5:
            return None
        total += (arm["units"] - expected) ** 2 / expected
    return total, len(group) - 1


def row(groups):
    parts = [part for part in map(statistic, groups) if part is not None]
    degrees = sum(df for _, df in parts)
    if degrees == 0:
        return {"groups": groups, "chi_square": None, "degrees_of_freedom": 0, "p_value": None}
    chi_square = sum((each for each, _ in parts), Fraction(0))
    return {
        "groups": groups,
        "chi_square": float(chi_square),
        "degrees_of_freedom": degrees,
        "p_value": float(tail(chi_square, degrees)),
    }


def drawn(units, weights, skew):
    """Arms by chance, with as many more in the first as `skew` says."""
    counts = [0] * len(weights)
    for arm in random.choices(range(len(weights)), [weights[0] * skew, *weights[1:]], k=units):
        counts[arm] += 1
    return [{"weight": weight, "units": count} for weight, count in zip(weights, counts)]


def pair(first, second, weights=(5000, 5000)):
    return [{"weight": weights[0], "units": first}, {"weight": weights[1], "units": second}]


rows = [
    row([pair(500, 500)]),
    row([pair(520, 480)]),
    # Around p = 0.001, the value below which it counts: 10.8276 for one degree of freedom.
    row([pair(5164, 4836)]),
    row([pair(5165, 4835)]),
    # Around five expected units.
    row([pair(9, 0)]),
    row([pair(10, 0)]),
    row([pair(4, 96, (500, 9500))]),
    row([pair(4, 95, (500, 9500))]),
    row([pair(821588, 815482)]),
    row([pair(9, 1), pair(5000, 5000)]),
]
for arms in (2, 3, 5, 12, 20):
    for units in (300, 4000, 50000):
        for skew in (1, 1.1, 2):
            weights = [random.randrange(200, 900) for _ in range(arms)]
            rows.append(row([drawn(units, weights, skew)]))
for groups in (2, 3, 8):
    rows.append(row([drawn(1000 + 500 * index, [3333, 3333, 3334], 1.05) for index in range(groups)]))

text = "[\n" + ",\n".join(json.dumps(each) for each in rows) + "\n]\n"
pathlib.Path(__file__).with_name("sample-ratio.json").write_text(text)
