"""The queries behind the report: SQL of DuckDB over the tables of a result, and nothing else.

Every number of the page is in the answer to one of these. Whole numbers are BIGINT and sums of
money exact decimals, so that an answer has the same digits everywhere.
"""

HEDGES_MAX = 8
MARKS_MAX = 3000
STEPS_MAX = 4096
BARS_MAX = 30
LINES_MAX = 200
DAYS_MAX = 100
BINS_PER_DECADE = 20

CAUSES = (
    "entry_edge",
    "exit_edge",
    "basis",
    "residual",
    "fx",
    "carry",
    "fees",
    "fees_close_today",
    "slippage",
    "repair",
    "adjustment",
    "unassigned",
    "dust",
    "roll",
)
STAGES = ("received", "decided", "arrived", "acked", "filled", "done")

# The hedges that are drawn: those with the most attempts.
SHOWN = f"""
WITH shown AS (
  SELECT h.hedge
  FROM hedges h LEFT JOIN attempts a USING (hedge)
  GROUP BY h.hedge
  ORDER BY count(a.decision) DESC, h.hedge
  LIMIT {HEDGES_MAX}
)""".strip()

# One type throughout, or a union would round to the places that fit all.
KEY = """
SELECT place, key, name, value FROM (
  SELECT 1 AS place, 'result' AS key, currency AS name, sum(amount)::DECIMAL(38, 12) AS value
  FROM attribution WHERE hedge IS NOT NULL GROUP BY currency
  UNION ALL
  SELECT 1, 'unassigned', currency, sum(amount)::DECIMAL(38, 12)
  FROM attribution WHERE hedge IS NULL GROUP BY currency
  UNION ALL
  SELECT 2, 'fees', currency, sum(amount)::DECIMAL(38, 12)
  FROM attribution WHERE cause IN ('fees', 'fees_close_today') GROUP BY currency
  UNION ALL
  SELECT 3, 'attempts', '', count(*)::DECIMAL(38, 12) FROM attempts
  UNION ALL
  SELECT 4, 'completed', '', count(*)::DECIMAL(38, 12) FROM attempts WHERE "end" = 'completed'
  UNION ALL
  SELECT 5, 'repaired', '', count(*)::DECIMAL(38, 12) FROM attempts WHERE repairs > 0
  UNION ALL
  SELECT 6, 'sets_traded', hedge, sum(abs(sets_traded))::DECIMAL(38, 12)
  FROM attempts GROUP BY hedge
  UNION ALL
  SELECT 7, 'orders', '', count(*)::DECIMAL(38, 12) FROM orders
  UNION ALL
  SELECT 8, 'fills', '', count(*)::DECIMAL(38, 12) FROM fills
  UNION ALL
  SELECT 9, 'refusals', '', coalesce(sum(count), 0)::DECIMAL(38, 12) FROM refusals
  UNION ALL
  SELECT 10, 'alarms', '', count(*)::DECIMAL(38, 12) FROM alerts WHERE urgency = 'alarm'
  UNION ALL
  SELECT 11, 'warnings', '', count(*)::DECIMAL(38, 12) FROM alerts WHERE urgency = 'warn'
  UNION ALL
  SELECT 12, 'usage', account, peak_usage FROM funds
)
ORDER BY place, key, name
"""

PERIOD = """
SELECT min(from_ns) AS from_ns, max(until_ns) AS until_ns FROM prices
"""

PRICES = f"""
{SHOWN}
SELECT hedge, leg, instrument, from_ns, until_ns, bid_min, bid_last, ask_last, ask_max
FROM prices SEMI JOIN shown USING (hedge)
ORDER BY hedge, leg, from_ns
"""

SIGNALS = f"""
{SHOWN}
SELECT hedge, from_ns, until_ns,
  enter_min, enter_max, enter_last, exit_min, exit_max, exit_last,
  plus_enter, plus_exit, mirror_enter, mirror_exit
FROM signals SEMI JOIN shown USING (hedge)
ORDER BY hedge, from_ns
"""

# An attempt that adds sets trades at the value to enter, one that takes sets away at that to exit.
MARKS = f"""
{SHOWN}
SELECT a.hedge, a.kind, coalesce(a."end", 'alive') AS "end", a.started_ns,
  a.sets_from, a.sets_to, a.sets_traded, a.repair_loss,
  CASE WHEN a.sets_to > a.sets_from THEN s.enter_max
       WHEN a.sets_to < a.sets_from THEN s.exit_min
       ELSE s.enter_last END AS value,
  count(*) OVER (PARTITION BY a.hedge) AS attempts
FROM attempts a SEMI JOIN shown USING (hedge)
ASOF LEFT JOIN signals s ON a.hedge = s.hedge AND a.started_ns >= s.from_ns
QUALIFY row_number() OVER (
  PARTITION BY a.hedge ORDER BY coalesce(a."end", '') = 'completed', a.started_ns
) <= {MARKS_MAX}
ORDER BY a.hedge, a.kind, "end", a.started_ns, a.decision
"""

# Every change while they are few; else the last of each bucket, with the extremes of the bucket;
# then what is held when the run ends.
INVENTORY = f"""
{SHOWN}, placed AS (
  SELECT *, count(*) OVER own AS changes, row_number() OVER (own ORDER BY now_ns, place) AS number,
    min(now_ns) OVER own AS first_ns, max(now_ns) OVER own AS last_ns
  FROM (SELECT *, row_number() OVER () AS place FROM inventory) SEMI JOIN shown USING (hedge)
  WINDOW own AS (PARTITION BY hedge)
), bucketed AS (
  SELECT *, CASE WHEN changes <= {STEPS_MAX} THEN number
    ELSE (now_ns - first_ns) // ((last_ns - first_ns) // {STEPS_MAX} + 1) END AS bucket
  FROM placed
)
SELECT b.hedge, max(b.number) AS number, max(b.now_ns) AS now_ns, arg_max(b.sets, b.number) AS sets,
  min(b.sets) AS sets_min, max(b.sets) AS sets_max,
  arg_max(b.residual, b.number) AS residual,
  min(b.residual) AS residual_min, max(b.residual) AS residual_max,
  any_value(h.max_residual) AS allowed
FROM bucketed b JOIN hedges h USING (hedge)
GROUP BY b.hedge, b.bucket
UNION ALL
SELECT p.hedge, p.number + 1, (SELECT max(until_ns) FROM prices), p.sets, p.sets, p.sets,
  p.residual, p.residual, p.residual, h.max_residual
FROM placed p JOIN hedges h USING (hedge)
WHERE p.number = p.changes AND p.now_ns < (SELECT max(until_ns) FROM prices)
ORDER BY 1, 2
"""

USAGE = """
SELECT account, from_ns, until_ns, usage_max, usage_last, cap
FROM usage
ORDER BY account, from_ns
"""

CAUSE_LIST = ", ".join(f"'{cause}'" for cause in CAUSES)
# Each hedge by itself; then everything, where that is more than one hedge.
CAUSE = f"""
{SHOWN}, parts AS (
  SELECT hedge, currency, cause, amount FROM attribution SEMI JOIN shown USING (hedge)
  UNION ALL
  SELECT NULL, currency, cause, amount FROM attribution
  WHERE currency IN (
    SELECT currency FROM attribution
    GROUP BY currency HAVING count(DISTINCT coalesce(hedge, '')) > 1
  )
), sums AS (
  SELECT hedge, currency, cause, sum(amount) AS amount,
    coalesce(list_position([{CAUSE_LIST}], cause), 99) AS place
  FROM parts GROUP BY hedge, currency, cause
  UNION ALL
  SELECT hedge, currency, 'total', sum(amount), 100 FROM parts GROUP BY hedge, currency
)
SELECT hedge, currency, cause, amount
FROM sums
ORDER BY hedge NULLS LAST, currency, place, cause
"""


def parts(column: str, limit: str = "", order: str = "") -> str:
    """Return the query of the result by a column, with every cause beside the total."""
    each = "".join(
        f"  coalesce(sum(amount) FILTER (WHERE cause = '{cause}'), 0) AS {cause},\n"
        for cause in CAUSES
    )
    return f"""
SELECT {column}, currency,
{each}  sum(amount) AS total, count(*) OVER () AS of
FROM attribution
GROUP BY {column}, currency
ORDER BY {order or column}, currency{limit}
"""


BY_HEDGE = parts("hedge", order="hedge NULLS LAST")
BY_ACCOUNT = parts("account")
BY_DAY = parts("day", f"\nLIMIT {DAYS_MAX}", "day DESC")

DAYS = """
SELECT currency, day, sum(amount) AS amount,
  sum(sum(amount)) OVER (PARTITION BY currency ORDER BY day) AS cumulated
FROM attribution GROUP BY currency, day
ORDER BY currency, day
"""

STAMPS = ("cause_exchange", "cause_receive", "decided", "arrived", "acked", "filled", "done")
SPANS = "\n  UNION ALL\n".join(
    f"  SELECT {place} AS place, '{stage}' AS stage, {after}_ns - {before}_ns AS ns FROM chains"
    for place, (stage, before, after) in enumerate(zip(STAGES, STAMPS, STAMPS[1:], strict=False), 1)
)
# A bin is its lower end: 10 to the power of bin/20, in ns; the bin of what took no time is null.
LATENCY = f"""
WITH spans AS (
{SPANS}
)
SELECT stage,
  CASE WHEN ns > 0 THEN floor({BINS_PER_DECADE} * log10(ns))::BIGINT END AS bin,
  count(*) AS orders
FROM spans WHERE ns IS NOT NULL
GROUP BY place, stage, bin
ORDER BY place, bin NULLS FIRST
"""

LATENCY_TABLE = f"""
WITH spans AS (
{SPANS}
)
SELECT stage, count(ns) AS orders, count(*) - count(ns) AS without, min(ns) AS least,
  quantile_disc(ns, 0.5) AS p50, quantile_disc(ns, 0.9) AS p90, quantile_disc(ns, 0.99) AS p99,
  max(ns) AS most
FROM spans
GROUP BY place, stage
ORDER BY place
"""

REFUSALS = f"""
SELECT refusal, subject, name, sum(count)::BIGINT AS count, count(*) OVER () AS of
FROM refusals
GROUP BY refusal, subject, name
ORDER BY count DESC, refusal, subject, name
LIMIT {BARS_MAX}
"""

WORST = "list_position(['alarm', 'warn', 'info'], urgency)"
ALERT_CODES = f"""
SELECT urgency, code, count(*) AS count, min(now_ns) AS first_ns, max(now_ns) AS last_ns
FROM alerts
GROUP BY urgency, code
ORDER BY {WORST}, count DESC, code
"""

# Money is told in 10⁻⁹; what is not possible is told as the largest number and has no value here.
NANO = "0.000000001::DECIMAL(10, 9)"
MONEY_ALERTS = (
    "('repair_chosen', 'cash_drift', 'shortfall', 'settled', 'foreign_fee', 'relieved',"
    " 'lease_over', 'top_up')"
)
ALERTS = f"""
SELECT now_ns, urgency, code, subject, name,
  try_cast(value AS DECIMAL(28, 0)) * CASE WHEN code IN {MONEY_ALERTS} THEN {NANO} ELSE 1 END
    AS value,
  try_cast("limit" AS DECIMAL(28, 0)) * CASE
    WHEN code IN {MONEY_ALERTS} OR code = 'attempt_ended' THEN {NANO} ELSE 1 END AS "limit",
  count(*) OVER () AS of
FROM alerts
ORDER BY {WORST}, now_ns DESC, code, subject, name, detail, value, "limit"
LIMIT {LINES_MAX}
"""

ENDS = """
SELECT kind, coalesce("end", 'alive') AS "end", count(*) AS attempts,
  sum(abs(sets_traded))::BIGINT AS sets, count(*) FILTER (WHERE repairs > 0) AS repaired
FROM attempts
GROUP BY ALL
ORDER BY kind, attempts DESC, "end"
"""

ATTEMPTS = f"""
SELECT decision, hedge, kind, coalesce("end", 'alive') AS "end", started_ns, ended_ns,
  sets_from, sets_to, sets_traded, orders, repairs, repair_loss, count(*) OVER () AS of
FROM attempts
ORDER BY "end" = 'completed', started_ns DESC, decision DESC
LIMIT {LINES_MAX}
"""

ORDERS = f"""
SELECT c.decided_ns, o."order", o.decision, o.account, o.instrument, o.side, o.effect, o.kind,
  o.purpose, o.price, o.qty, o.cum_qty, o.avg_px, coalesce(o.status, 'unknown') AS status,
  count(*) OVER () AS of
FROM orders o LEFT JOIN chains c ON o."order" = c."order"
ORDER BY c.decided_ns DESC NULLS LAST, o."order" DESC
LIMIT {LINES_MAX}
"""

FILLS = f"""
SELECT receive_ns, "order", trade_id, account, instrument, side, price, qty, fee, fee_currency,
  liquidity, revised, count(*) OVER () AS of
FROM fills
ORDER BY receive_ns DESC, "order" DESC, trade_id DESC
LIMIT {LINES_MAX}
"""

FUNDS = """
SELECT account, currency, opening, trade, result, variation, fees,
  funding + interest + transfer + adjustment + dust AS other, balance, earned, margin, peak_usage
FROM funds
ORDER BY account
"""

POSITIONS = """
SELECT account, instrument, long, short, unassigned FROM positions ORDER BY account, instrument
"""

HEDGES = f"""
SELECT h.hedge, h.sets, h.residual, h.unit, h.max_residual, count(a.decision) AS attempts,
  count(*) OVER () AS of
FROM hedges h LEFT JOIN attempts a USING (hedge)
GROUP BY ALL
ORDER BY attempts DESC, h.hedge
LIMIT {LINES_MAX}
"""

QUERIES = {
    "key": KEY,
    "period": PERIOD,
    "prices": PRICES,
    "signals": SIGNALS,
    "marks": MARKS,
    "inventory": INVENTORY,
    "usage": USAGE,
    "cause": CAUSE,
    "by_hedge": BY_HEDGE,
    "by_account": BY_ACCOUNT,
    "by_day": BY_DAY,
    "days": DAYS,
    "latency": LATENCY,
    "latency_table": LATENCY_TABLE,
    "refusals": REFUSALS,
    "alert_codes": ALERT_CODES,
    "alerts": ALERTS,
    "ends": ENDS,
    "attempts": ATTEMPTS,
    "orders": ORDERS,
    "fills": FILLS,
    "funds": FUNDS,
    "positions": POSITIONS,
    "hedges": HEDGES,
}
QUERIES = {name: text.strip() for name, text in QUERIES.items()}
