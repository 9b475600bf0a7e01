//! A policy as canonical bytes, for the journal and the state digest.

use super::{AccountLimits, HedgeLimits, InstrumentLimits, Policy, SumResidual, VenueLimits};
use crate::conduct::Budgets;
use crate::ids::{CurrencyId, ProductId, Table};
use crate::legging::Legging;
use crate::num::{Money, Ratio};
use crate::quote::{Execution, Repair, Size};
use crate::threshold::Threshold;
use crate::time::Span;
use crate::wire::{Reader, WireError, Writer};

impl Policy {
    /// Appends every value, for the journal and the state digest.
    pub fn write(&self, out: &mut Writer) {
        out.len(self.venues.len());
        for limits in self.venues.iter() {
            out.u32(limits.message_rate);
            out.u32(limits.cancel_reserve);
        }
        out.len(self.instruments.len());
        for limits in self.instruments.iter() {
            out.i128(limits.order_value.0);
            out.i64(limits.collar);
            out.i64(limits.age.0);
            out.i64(limits.skew.0);
            out.i64(limits.limit_distance);
            out.u32(limits.message_rate);
            out.u32(limits.cancel_reserve);
            out.bool(limits.conduct.is_some());
            if let Some(budgets) = &limits.conduct {
                budgets.write(out);
            }
        }
        out.len(self.accounts.len());
        for limits in self.accounts.iter() {
            write_ratio(limits.usage_cap, out);
            out.i128(limits.day_loss.0);
            out.u32(limits.message_rate);
            out.u32(limits.cancel_reserve);
        }
        out.len(self.hedges.len());
        for limits in self.hedges.iter() {
            write_size(&limits.size, out);
            limits.execution.write(out);
            limits.legging.write(out);
            out.bool(limits.crossing);
            out.bool(limits.max_roll_cost.is_some());
            if let Some(cost) = limits.max_roll_cost {
                out.i128(cost.0);
            }
        }
        out.len(self.sums.len());
        for sum in &self.sums {
            out.u16(sum.product.0);
            out.u8(sum.currency.0);
            write_ratio(sum.limit, out);
        }
        out.len(self.thresholds.len());
        for threshold in &self.thresholds {
            threshold.write(out);
        }
    }

    /// Reads back what [`Policy::write`] wrote.
    ///
    /// # Errors
    /// [`WireError`] where the bytes are not such a policy.
    pub fn read(from: &mut Reader<'_>) -> Result<Policy, WireError> {
        let venues = read_rows(from, |from| {
            Ok(VenueLimits { message_rate: from.u32()?, cancel_reserve: from.u32()? })
        })?;
        let instruments = read_rows(from, |from| {
            Ok(InstrumentLimits {
                order_value: Money(from.i128()?),
                collar: from.i64()?,
                age: Span(from.i64()?),
                skew: Span(from.i64()?),
                limit_distance: from.i64()?,
                message_rate: from.u32()?,
                cancel_reserve: from.u32()?,
                conduct: if from.bool()? { Some(Budgets::read(from)?) } else { None },
            })
        })?;
        let accounts = read_rows(from, |from| {
            Ok(AccountLimits {
                usage_cap: read_ratio(from)?,
                day_loss: Money(from.i128()?),
                message_rate: from.u32()?,
                cancel_reserve: from.u32()?,
            })
        })?;
        let hedges = read_rows(from, |from| {
            Ok(HedgeLimits {
                size: read_size(from)?,
                execution: read_execution(from)?,
                legging: Legging::read(from)?,
                crossing: from.bool()?,
                max_roll_cost: if from.bool()? { Some(Money(from.i128()?)) } else { None },
            })
        })?;
        let sums = read_rows(from, |from| {
            Ok(SumResidual {
                product: ProductId(from.u16()?),
                currency: CurrencyId(from.u8()?),
                limit: read_ratio(from)?,
            })
        })?;
        let thresholds = read_rows(from, Threshold::read)?;
        Ok(Policy {
            venues: Table::new(venues),
            instruments: Table::new(instruments),
            accounts: Table::new(accounts),
            hedges: Table::new(hedges),
            sums,
            thresholds,
        })
    }
}

fn read_rows<T>(
    from: &mut Reader<'_>,
    row: fn(&mut Reader<'_>) -> Result<T, WireError>,
) -> Result<Vec<T>, WireError> {
    // A row has at least one byte, so the length is bounded by the bytes that are left.
    (0..from.len()?).map(|_| row(from)).collect()
}

fn write_ratio(ratio: Ratio, out: &mut Writer) {
    out.i64(ratio.num());
    out.i64(ratio.den());
}

fn read_ratio(from: &mut Reader<'_>) -> Result<Ratio, WireError> {
    let at = from.position();
    let (num, den) = (from.i64()?, from.i64()?);
    let ratio = Ratio::new(num.into(), den.into()).map_err(|_| WireError::Range { at })?;
    // Only the reduced form is ever written: equal values, equal bytes.
    if (ratio.num(), ratio.den()) == (num, den) { Ok(ratio) } else { Err(WireError::Range { at }) }
}

fn write_size(size: &Size, out: &mut Writer) {
    for sets in [size.clip, size.max, size.overnight, size.holiday, size.before_break.0] {
        out.i64(sets);
    }
}

fn read_size(from: &mut Reader<'_>) -> Result<Size, WireError> {
    Ok(Size {
        clip: from.i64()?,
        max: from.i64()?,
        overnight: from.i64()?,
        holiday: from.i64()?,
        before_break: Span(from.i64()?),
    })
}

fn read_execution(from: &mut Reader<'_>) -> Result<Execution, WireError> {
    Ok(Execution {
        max_residual: from.i128()?,
        live_residual: from.i128()?,
        finish_within: Span(from.i64()?),
        order_timeout: Span(from.i64()?),
        repair: read_repair(from)?,
        max_loss: Money(from.i128()?),
        max_loss_per_day: Money(from.i128()?),
        tries: from.u16()?,
        messages: from.u32()?,
        trims_per_day: from.u32()?,
    })
}

fn read_repair(from: &mut Reader<'_>) -> Result<Repair, WireError> {
    let at = from.position();
    match from.u8()? {
        0 => Ok(Repair::CheaperOf),
        1 => Ok(Repair::Supplement),
        2 => Ok(Repair::Unwind),
        found => Err(WireError::Code { at, found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conduct::Budget;
    use crate::threshold::Metric;

    fn ratio(num: i128, den: i128) -> Ratio {
        Ratio::new(num, den).unwrap()
    }

    fn policy() -> Policy {
        let execution = Execution {
            max_residual: 3,
            live_residual: 4,
            finish_within: Span(5),
            order_timeout: Span(6),
            repair: Repair::Unwind,
            max_loss: Money(7),
            max_loss_per_day: Money(8),
            tries: 9,
            messages: 10,
            trims_per_day: 11,
        };
        let size = Size { clip: 12, max: 13, overnight: 14, holiday: 15, before_break: Span(16) };
        let sum =
            SumResidual { product: ProductId(17), currency: CurrencyId(18), limit: ratio(19, 7) };
        Policy {
            venues: Table::new(vec![VenueLimits { message_rate: 20, cancel_reserve: 21 }]),
            instruments: Table::new(vec![InstrumentLimits {
                order_value: Money(22),
                collar: 23,
                age: Span(24),
                skew: Span(25),
                limit_distance: 26,
                message_rate: 27,
                cancel_reserve: 28,
                conduct: Some(Budgets {
                    cancels: Some(Budget { per_day: 33, reserve: 32 }),
                    large_cancels: Some(Budget { per_day: 35, reserve: 34 }),
                    large_lots: 36,
                    opens: None,
                    self_trades: Some(37),
                    bursts: None,
                    counts_ioc: true,
                    counts_fok: false,
                    counts_hedging: true,
                }),
            }]),
            accounts: Table::new(vec![AccountLimits {
                usage_cap: ratio(9, 10),
                day_loss: Money(29),
                message_rate: 30,
                cancel_reserve: 31,
            }]),
            hedges: Table::new(vec![HedgeLimits {
                size,
                execution,
                legging: Legging::AT_ONCE,
                crossing: true,
                max_roll_cost: Some(Money(32)),
            }]),
            sums: vec![sum],
            thresholds: vec![Threshold {
                metric: Metric::Available,
                of: crate::threshold::Reach::Each,
                bounds: [Some(3), Some(2), None, Some(-1), None],
                formulas: Vec::new(),
                clear: 1,
                dwell: Span(7),
            }],
        }
    }

    fn bytes(policy: &Policy) -> Vec<u8> {
        let mut out = Writer::new();
        policy.write(&mut out);
        out.as_slice().to_vec()
    }

    #[test]
    fn what_was_written_is_read() {
        let policy = policy();
        let written = bytes(&policy);
        let mut from = Reader::new(&written);
        let read = Policy::read(&mut from).unwrap();
        assert_eq!(from.position(), written.len());
        assert_eq!(format!("{read:?}"), format!("{policy:?}"));
        assert_eq!(bytes(&read), written);
    }

    #[test]
    fn a_ratio_has_one_form() {
        for (num, den, is_one) in [(9, 10, true), (18, 20, false), (-3, 7, true), (3, -7, false)] {
            let mut out = Writer::new();
            out.i64(num);
            out.i64(den);
            let read = read_ratio(&mut Reader::new(out.as_slice()));
            assert_eq!(read.is_ok(), is_one, "{num}/{den}");
        }
    }
}
