"""What happens to a message depends on the seed, its destination and its part only, so that a test can
compute the outcome of every number beforehand."""
import hashlib


def seconds(text):
    """"5ms", "2s", "0.5": seconds."""
    if text.endswith("ms"):
        return float(text[:-2]) / 1000
    return float(text.removesuffix("s"))


def span(text):
    """"5ms" or "1ms-20ms" -> (from, to)"""
    low, _, high = text.partition("-")
    return seconds(low), seconds(high or low)


def mix(text):
    """"DELIVRD:92,MA:0001:2" -> [("DELIVRD", 92.0), ("MA:0001", 2.0)]"""
    out = []
    for entry in filter(None, text.split(",")):
        name, _, weight = entry.rpartition(":")
        out.append((name, float(weight)))
    return out


class Fate:
    def __init__(self, seed):
        self.seed = seed

    def roll(self, kind, number, part=1):
        """In [0, 1), the same for the same words."""
        digest = hashlib.blake2b(f"{self.seed}|{kind}|{number}|{part}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2 ** 64

    def strikes(self, kind, chance, number, part=1):
        return chance > 0 and self.roll(kind, number, part) < chance

    def between(self, kind, low_high, number, part=1):
        low, high = low_high
        return low if low == high else low + (high - low) * self.roll(kind, number, part)

    def choose(self, kind, weights, number, part=1):
        """By weight; the weights need not add up to anything."""
        at = self.roll(kind, number, part) * sum(weight for _, weight in weights)
        for name, weight in weights:
            at -= weight
            if at < 0:
                return name
        return weights[-1][0]

    def error(self, errors, number):
        """Of shares ("9:0.01"): the Result that strikes this number, or 0."""
        at = self.roll("error", number)
        for result, share in errors:
            at -= share
            if at < 0:
                return int(result)
        return 0
