"""Learners in the loop once more, in plain Python, one replication at a time: shares no code with the package.

Threefry-2x32 with 13 rounds is written here on Python's whole numbers, so that the two loops meet the same luck.
"""

import math

MASK = 2**32 - 1


def threefry(key, counter, rounds=13):
    """Words of Salmon et al. (2011) for one key and one counter, pairs of whole numbers."""
    k = [key[0], key[1], key[0] ^ key[1] ^ 0x1BD11BDA]
    x, y = (counter[0] + k[0]) & MASK, (counter[1] + k[1]) & MASK
    for r in range(rounds):
        turn = [13, 15, 26, 6, 17, 29, 16, 24][r % 8]
        x = (x + y) & MASK
        y = (((y << turn) & MASK) | (y >> (32 - turn))) ^ x
        if (r + 1) % 4 == 0:
            s = (r + 1) // 4
            x, y = (x + k[s % 3]) & MASK, (y + k[(s + 1) % 3] + s) & MASK
    return x, y


def closed_form(A, kappa, s, _rate):
    """Half-spread and shift per lot: Gueant's model B, for quotes that are filled at most once an interval."""
    touch = math.exp(-1 - kappa * s["cost"])
    m0 = min(A * touch * s["dt"], 0.5)
    m = m0 - m0**2 / 2 + 5 * m0**3 / 24 - m0**4 / 24
    wider = 1 + m / 2 + m**2 / 6 + m**3 / 24
    return s["cost"] + wider / kappa, math.sqrt(s["gamma"] * s["sigma"] ** 2 / (2 * A * kappa * touch))


def deployed_formula(A, kappa, s, rate):
    """Half-spread with the horizon min(1/lambda, 120 s), at least 5 bps, and no shift."""
    half = math.log(1 + s["gamma"] / kappa) / s["gamma"] + s["cost"]
    if rate is None:
        rate = 2 * A * math.exp(-kappa * half)
    horizon = 120.0 if rate == 0 else min(1 / rate, 120.0)
    return max(half + s["gamma"] * s["sigma"] ** 2 * horizon / 2, 5.0), 0.0


class DepthsOfFills:
    """kappa = fills over the sum of their depths; A = fills per second and side, times e."""

    def __init__(self):
        self.n, self.depths, self.seconds = 4.0, 4.0 / 0.2, 4.0 * math.e / 0.5

    def see(self, orders, _time):
        for depth, filled, seconds in orders:
            self.n, self.depths = self.n + filled, self.depths + depth * filled
            self.seconds += seconds

    def believes(self, _time):
        return self.n / self.seconds * math.e, self.n / self.depths, None


class DeployedKappa:
    """Every 5 s: shape += N, rate += t x spread, if 100 < N/(t x spread) < 1e5 per fraction of price."""

    def __init__(self, spread):
        self.spread, self.n, self.seconds = spread, 0, 0.0
        self.shape, self.rate = 4.0, 4.0 / 2000.0
        self.fed = self.dropped = 0

    def see(self, orders, time):
        for _, filled, seconds in orders:
            self.n, self.seconds = self.n + filled, self.seconds + seconds
        if math.isclose(time / 5.0, round(time / 5.0)):
            value = self.n / (time * self.spread * 1e-4)
            if 100 < value < 1e5:
                self.shape, self.rate = self.shape + self.n, self.rate + time * self.spread * 1e-4
                self.fed += 1
            else:
                self.dropped += 1

    def believes(self, time):
        A = (4.0 + self.n) / (4.0 * math.e / 0.5 + self.seconds) * math.e
        return A, self.shape / self.rate * 1e-4, self.n / time if time else 0.0


def ride(learner, quote, refresh_s, A, kappa, s, seed, number, intervals):
    """Run one replication; s holds sigma, gamma, cost, dt and Q. Returns its sums, and the quotes of every interval."""
    q, fills, edge, swing, penalty, quotes = 0, 0, 0.0, 0.0, 0.0, []
    for i in range(intervals):
        time = i * s["dt"]
        if i == 0 or (time / refresh_s).is_integer():
            resting = quote(*learner.believes(time)[:2], s, learner.believes(time)[2])
        base, slope = resting
        quotes.append((base, slope))
        words = threefry((seed, 0x6C6F6F70), (number, i))
        penalty += s["gamma"] * s["sigma"] ** 2 / 2 * q**2 * s["dt"]
        orders, change = [], 0
        for side, word in zip((1, -1), words, strict=True):
            depth = base + slope * (0.5 + side * q)
            if side * q >= s["Q"]:
                orders.append((depth, 0, 0.0))
                continue
            wait = -math.log1p(-(word >> 8) / 2**24) / (A * math.exp(-kappa * depth))
            filled = wait < s["dt"]
            orders.append((depth, int(filled), min(wait, s["dt"])))
            if filled:
                edge, change, fills = edge + depth - s["cost"], change + side, fills + 1
        q += change
        heads = bin(words[0] & 255).count("1") + bin(words[1] & 255).count("1")
        swing += q * s["sigma"] * math.sqrt(s["dt"]) * (heads - 8) / 2
        learner.see(orders, (i + 1) * s["dt"])
    return {"q": q, "fills": fills, "edge": edge, "swing": swing, "penalty": penalty, "quotes": quotes}
