"""Run with a journal, prove it, replay it, and see what happens when somebody changes a byte.

The journal is a file in which every decision is linked to the one before by SHA-256. Whoever keeps
the last link elsewhere can show that nothing was changed, left out or cut off.
"""

import tempfile
from collections import Counter
from pathlib import Path

import pyarrow as pa

import cross_market as cm

HERE = Path(__file__).with_name("gold.toml")
START = 1_770_687_000_000_000_000  # ns since 1970

# Four moments, two seconds apart: Shanghai dear, dear again (the hedge waits for two updates), and
# twice back to where New York is.
PRICES = {"COMEX.GCZ6": 2650.0, "FX.USDCNY": 7.25, "SHFE.au2612": 621.0}
STEPS = (PRICES, PRICES, PRICES | {"SHFE.au2612": 617.5}, PRICES | {"SHFE.au2612": 617.5})
TICKS = {"COMEX.GCZ6": 0.1, "FX.USDCNY": 0.0001, "SHFE.au2612": 0.02}

rows = []
for step, prices in enumerate(STEPS):
    for at, (name, price) in enumerate(prices.items()):
        venue, _, instrument = name.partition(".")
        sent = START + step * 2 * 10**9 + at * 10**8
        for side, away in (("bid", 0), ("ask", TICKS[name])):
            book = {"venue": venue, "instrument": instrument, "kind": "snapshot", "side": side}
            book |= {"price": round(price + away, 4), "size": 50, "msg": 3 * step + at}
            rows.append({"ts_exchange_ns": sent, "ts_receive_ns": sent + 5_000_000, **book})

with tempfile.TemporaryDirectory() as folder:
    config, venues = cm.Config.load(HERE), cm.SimVenues.load(HERE)
    data = pa.Table.from_pylist(rows)
    result = cm.simulate(config, data, venues=venues, journal=Path(folder) / "journal")
    journal = Path(str(result.journal))
    print("ends:", dict(Counter(result.attempts["end"].to_pylist())))

    # Prove it: every link, every record. The last link is what you keep somewhere else.
    proof = cm.audit.verify(journal)
    print(journal.name, proof.verdict, "and its last link is ours:", proof.link == result.link)

    # Replay it: a new engine takes the same events and must say the same, byte for byte.
    replayed = cm.audit.replay(journal)
    print(replayed.commands, "commands equal; same state:", replayed.digest == result.digest)

    # Now somebody improves the past.
    content = bytearray(journal.read_bytes())
    content[len(content) // 2] ^= 1
    journal.write_bytes(content)
    proof = cm.audit.verify(journal)
    print("changed:", proof.verdict, "and it names the record:", proof.record is not None)
    try:
        cm.audit.replay(journal)
    except cm.JournalError as error:
        print("replay refused there too:", error.record == proof.record)
