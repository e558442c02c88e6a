"""What is in a tape, as a short table of facts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmresearch.tape.schema import Tape


def inspect(tape: Tape) -> pd.DataFrame:
    """Return the facts of a tape, one per row.

    Parameters
    ----------
    tape : Tape
        Any tape.

    Returns
    -------
    DataFrame
        ``fact`` and ``value``, both text.
    """
    quotes, meta = tape.quotes, tape.meta
    mid = (quotes["bid"] + quotes["ask"]) / 2
    spread = (quotes["ask"] - quotes["bid"]) / mid * 1e4
    tick = np.nan if meta.tick is None else meta.tick / float(mid.median()) * 1e4
    orders = tape.trades.groupby(["ts", "side"]).ngroups
    moves = np.diff(np.log(mid.to_numpy())) * 1e4
    facts = {
        "asset": tape.asset,
        "provenance": meta.provenance,
        "span": f"{tape.t0:.3f} to {tape.t1:.3f} s ({tape.seconds:.0f} s)",
        "quotes": f"{len(quotes)} ({len(quotes) / tape.seconds:.2f} /s)",
        "trades": f"{len(tape.trades)} in {orders} market orders ({orders / tape.seconds:.2f} /s)",
        "own orders": f"{len(tape.orders)}",
        "own fills": f"{len(tape.fills)}",
        "spread": f"{spread.median():.3f} bps (median)",
        "tick": "unknown" if np.isnan(tick) else f"{meta.tick:g} = {tick:.3f} bps",
        "volatility": f"{np.sqrt((moves**2).sum() / tape.seconds):.2f} bps per sqrt s",
        "maker fee": f"{meta.fee_bps:g} bps",
        "sessions": "one" if tape.sessions is None else f"{len(tape.sessions)}",
    }
    return pd.DataFrame(list(facts.items()), columns=["fact", "value"])
