"""Tapes made by hand from arrays, one for each learner of a series: plain numpy, none of the package's simulator."""

import numpy as np
import pandas as pd

from mmresearch.tape.schema import Tape, TapeMeta

TICK = 1e-4


def quotes(ts, log_mid, half_bps=1.0, bid_sz=1.0, ask_sz=1.0):
    """Quotes about a mid; prices are not rounded, so that laws hold exactly."""
    mid, half = np.exp(log_mid), np.asarray(half_bps) * 1e-4
    columns = {"ts": ts, "bid": mid * (1 - half), "bid_sz": bid_sz, "ask": mid * (1 + half), "ask_sz": ask_sz}
    return pd.DataFrame(columns).astype(float)


def tape(table, seconds, trades=None, **signals):
    """A tape of quotes, and of signals at the given (times, values)."""
    columns = [pd.DataFrame({"ts": t, k: v}) for k, (t, v) in signals.items()]
    said = pd.concat(columns).sort_values("ts", kind="stable", ignore_index=True) if columns else None
    more = {} if trades is None else {"trades": trades}
    return Tape("X", 0.0, float(seconds), table, signals=said, meta=TapeMeta(tick=TICK), **more)


def sizes(rng, n):
    """Sizes that change from quote to quote: the market is alive."""
    return rng.integers(1, 40, n).astype(float)


def drift_to_momentum(rng, slope_bps, sigma_bps, seconds):
    """Moves over each 10 s are slope x momentum at their start, plus noise; momentum is said every second."""
    n = int(seconds // 10)
    momentum = rng.normal(size=n + 1)
    moves = slope_bps * momentum[:-1] + sigma_bps * np.sqrt(10.0) * rng.normal(size=n)
    ts = 10.0 * np.arange(n + 1)
    table = quotes(ts, np.log(100) + 1e-4 * np.append(0.0, np.cumsum(moves)), bid_sz=sizes(rng, n + 1))
    return tape(table, seconds + 1, momentum=(np.arange(seconds + 1), np.repeat(momentum, 10)[: seconds + 1]))


def changes(rng, hazard, sigmas, sigma_bps, seconds):
    """Changepoints by a coin a second; the mid drifts for 10 s after one that comes while it does not."""
    changed = rng.random(seconds) < hazard
    drift, until = np.zeros(seconds), -1
    for second in np.flatnonzero(changed):
        if second >= until:
            until = second + 10
            drift[second:until] = sigmas * np.sqrt(10.0) / 10.0
    moves = sigma_bps * (drift + rng.normal(size=seconds))
    log_mid = np.log(100) + 1e-4 * np.append(0.0, np.cumsum(moves[:-1]))
    table = quotes(np.arange(seconds), log_mid, bid_sz=sizes(rng, seconds))
    return tape(table, seconds, changepoint=(np.arange(seconds), changed.astype(float)))


def walk(rng, sd_bps, seconds, step):
    """A random walk quoted every `step` seconds, with the given sd of moves per step."""
    ts = np.arange(0, seconds, step)
    log_mid = np.log(100) + 1e-4 * sd_bps * np.cumsum(rng.normal(size=ts.size))
    return tape(quotes(ts, log_mid, bid_sz=sizes(rng, ts.size)), seconds)


def level(rng, q, r, seconds, rate=1.5):
    """A latent random walk shown with noise at random times, `rate` a second; returns the tape and what was shown."""
    ts = np.sort(rng.uniform(0, seconds, rng.poisson(rate * seconds)))
    latent = np.cumsum(np.sqrt(q * np.diff(ts, prepend=0.0)) * rng.normal(size=ts.size))
    shown = latent + np.sqrt(r) * rng.normal(size=ts.size)
    return tape(quotes(ts, np.log(100) + shown, bid_sz=sizes(rng, ts.size)), seconds)


def lead(rng, phi, sd_bps, seconds, rate=1.5):
    """A microprice that leads the mid by an Ornstein-Uhlenbeck process, shown by sizes at random times."""
    ts = np.sort(rng.uniform(0, seconds, rng.poisson(rate * seconds)))
    x, value = np.empty(ts.size), sd_bps * rng.normal()
    for i, left in enumerate(phi ** np.diff(ts, prepend=ts[:1])):
        value = left * value + sd_bps * np.sqrt(1 - left**2) * rng.normal()
        x[i] = value
    half = 6.0 * sd_bps
    lean = np.clip(x / half, -0.99, 0.99)
    log_mid = np.log(100) + 1e-4 * np.cumsum(rng.normal(size=ts.size))
    return tape(quotes(ts, log_mid, half, 10 * (1 + lean), 10 * (1 - lean)), seconds)


def falls(rng, threshold, miss, false, minutes):
    """Open interest that falls every other minute; the mid moves by 25 bps in the next one where the fall was large."""
    fall = threshold * np.exp(0.7 * rng.normal(size=minutes)) * (np.arange(minutes) % 2 == 0)
    fall = np.minimum(fall, 0.9)
    hit = np.where(fall > threshold, rng.random(minutes) > miss, rng.random(minutes) < false) & (fall > 0)
    moves = np.append(0.0, 25.0 * hit[:-1] * rng.choice([-1, 1], minutes - 1)) + rng.normal(size=minutes)
    log_mid = np.log(100) + 1e-4 * np.append(0.0, np.cumsum(moves))
    level_ = 1e6 * np.append(1.0, np.where(np.arange(minutes) % 2 == 0, 1 - fall, 1.0))
    ts = 60.0 * np.arange(minutes + 1)
    table = quotes(ts, log_mid, bid_sz=sizes(rng, ts.size))
    return tape(table, 60 * minutes + 1, open_interest=(ts, level_))


def cluster(rng, mu, branching, beta, seconds):
    """Event times of an exponential Hawkes process, as immigrants and their offspring."""
    found = list(rng.uniform(0, seconds, rng.poisson(mu * seconds)))
    waiting = list(found)
    while waiting:
        parent = waiting.pop()
        born = parent + rng.exponential(1 / beta, rng.poisson(branching))
        found.extend(born[born < seconds])
        waiting.extend(born[born < seconds])
    return np.sort(np.array(found))


def flow(ts, seconds):
    """A tape of trades at the given times."""
    trades = pd.DataFrame({"ts": ts, "price": 100.0, "size": 1.0, "side": np.where(np.arange(len(ts)) % 2, 1, -1)})
    return tape(quotes(np.zeros(1), np.log(100) * np.ones(1)), seconds, trades)


def regimes(rng, stay, ratio, spread_ratio, seconds):
    """Two regimes that differ in volatility and in spread, changing after whole seconds."""
    lively = (np.cumsum(rng.random(seconds) > stay) + rng.integers(2)) % 2
    moves = rng.normal(size=seconds) * np.where(lively, ratio, 1.0)
    log_mid = np.log(100) + 1e-4 * np.append(0.0, np.cumsum(moves[:-1]))
    half = 2.0 * np.where(lively, spread_ratio, 1.0) * np.exp(0.05 * rng.normal(size=seconds))
    return tape(quotes(np.arange(seconds), log_mid, half, bid_sz=sizes(rng, seconds)), seconds)


def coverage(rank, truths, level=0.9):
    """Share of truths inside the equal-tailed interval, from the posterior cdf at each truth."""
    return float(np.mean([abs(rank(t) - 0.5) <= level / 2 for t in truths]))
