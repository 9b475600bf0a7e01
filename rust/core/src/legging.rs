//! How the legs of a slice are worked: all at once, one after the other, or resting.
//!
//! A frozen value of configuration. Whatever the mode, an attempt ends in the same four ways, and
//! what is not aligned when its work is over is mended in the same way: complete or unwind by cost.

use crate::ids::LEGS_MAX;
use crate::num::{Money, Price, Ratio, div_floor};
use crate::time::Span;
use crate::wire::{Reader, WireError, Writer};

/// How the legs are worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// All at once, each after its own offset (狙击).
    Simultaneous = 0,
    /// One leg leads; the others follow each of its fills.
    Sequential = 1,
    /// One or several legs rest at prices solved from the others' depth; their fills are hedged.
    Quoting = 2,
}

impl Mode {
    /// Its stable code.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// What becomes of a leg's own quote when another one's has traded and it is to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Convert {
    /// It goes, and an order follows once its end is proven.
    Never = 0,
    /// It stays as the order that follows while its price reaches the limit of that one.
    Attempt = 1,
    /// It stays as the order that follows where it rests, for `order_timeout`.
    Always = 2,
    /// It keeps its place in the queue while what would be taken instead is within `slip`.
    KeepQueue = 3,
}

/// How one leg is worked; prices in ticks of its instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegRule {
    /// Whether it leads (`Sequential`) or rests (`Quoting`); else it follows.
    pub leads: bool,
    /// How long after the slice begins it is sent (`Simultaneous`), so that slow venues go first;
    /// sooner where all orders of the earlier legs are done.
    pub offset: Span,
    /// Ticks beyond the price leaned on at which it follows; negative is more passive. It may be
    /// changed while an attempt lives.
    pub pay_up: i64,
    /// Ticks added each time that an order which follows did not trade whole.
    pub chase: i64,
    /// Most ticks beyond the price leaned on; past them repair decides by cost. Of this and the two
    /// below, those that are given bind, the least of them first.
    pub slip: Option<i64>,
    /// The same in the hedge's currency, for one lot.
    pub slip_money: Option<Money>,
    /// The same as a part of the price leaned on.
    pub slip_rate: Option<Ratio>,
    /// Whether orders that follow rest for `order_timeout` instead of trading at once or not at
    /// all.
    pub rests: bool,
    /// What becomes of its own quote when it is to follow.
    pub convert: Convert,
    /// What rests as many ticks behind the best price of its side goes, for the next step; zero:
    /// never.
    pub chase_away: i64,
    /// What rests behind as many lots of others goes, for the next step; zero: never.
    pub chase_ahead: i64,
    /// After so many steps what follows trades at once, and rests no more; zero: never.
    pub take_after: u16,
    /// Fewer missing lots wait for more, while what leads may still trade; zero: none do.
    pub hedge_from: i64,
}

impl LegRule {
    /// Sent at once, at what was leaned on, once.
    pub const PLAIN: LegRule = LegRule {
        leads: false,
        offset: Span::ZERO,
        pay_up: 0,
        chase: 0,
        slip: Some(0),
        slip_money: None,
        slip_rate: None,
        rests: false,
        convert: Convert::Never,
        chase_away: 0,
        chase_ahead: 0,
        take_after: 0,
        hedge_from: 0,
    };

    /// Most ticks beyond `lean` at which it follows, where a tick of one lot is worth `tick_value`
    /// of the hedge's currency: the least of what is given, rounded toward the price leaned on. Ticks
    /// of `pay_up` are within those of `slip`.
    #[must_use]
    pub fn slip_at(&self, lean: Price, tick_value: Money) -> i64 {
        let ticks = self.slip.map(|ticks| i128::from(ticks.max(self.pay_up)));
        let money = self.slip_money.map(|money| match tick_value.0 {
            // What cannot be valued may not be given up.
            ..=0 => 0,
            value => div_floor(money.0, value),
        });
        let rate = self.slip_rate.map(|rate| {
            let price = i128::from(lean.0).abs();
            div_floor(price * i128::from(rate.num()), i128::from(rate.den()))
        });
        let least = [ticks, money, rate].into_iter().flatten().min().unwrap_or(0);
        i64::try_from(least).unwrap_or(i64::MAX)
    }
}

/// Which price of the leaned-on legs a quote is solved from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LeanPrice {
    /// The worst level that the size needs.
    Worst = 0,
    /// The average over the levels that it needs.
    Average = 1,
    /// The best level alone: what is behind it counts for nothing.
    Touch = 2,
}

/// What a quote does when the other legs' books hold less than it leans on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum WhenThin {
    /// It goes, and the hedge is stopped until a person resumes it.
    Pull = 0,
    /// It goes, and comes back with the depth.
    Return = 1,
    /// It shrinks to what the best levels can hedge; it grows again only after a fill.
    ShrinkToTouch = 2,
    /// It shrinks to what the books can hedge within their collars.
    ShrinkToDepth = 3,
}

/// What a quote does outside its active range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Outside {
    /// It goes.
    Pull = 0,
    /// It stays where it is while its price may, and is put where it belongs every `refresh`; none
    /// is sent otherwise.
    Leave = 1,
    /// It is worked there too: it moves away from the market with its price, and every `refresh`.
    Away = 2,
}

/// How quotes are priced, sized and moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoting {
    /// Lots that the other legs must show beyond `lean_times` of what they need.
    pub lean_base: i64,
    /// How many times what the other legs need they must show.
    pub lean_times: Ratio,
    /// Which of their prices counts.
    pub lean_price: LeanPrice,
    /// What happens when they show less.
    pub when_thin: WhenThin,
    /// How far a resting quote may give up of the band before it is moved, in the band's unit.
    pub slop_inside: Ratio,
    /// How far it may ask for more than the band before it is moved, in the band's unit.
    pub slop_outside: Ratio,
    /// How much more than the band each further slice of an attempt asks, in the band's unit. Where it
    /// is negative the first asks the most, each further one less, and the last the band itself: no
    /// slice asks less than that.
    pub reload: Ratio,
    /// Fewer ticks than this do not move it.
    pub min_reprice: i64,
    /// A quote that may not stay and would move by more ticks than this ends the attempt with an
    /// alarm.
    pub max_reprice: i64,
    /// It grows only by at least so many lots; it shrinks at once.
    pub raise_by: i64,
    /// It is worked only within so many ticks of the best price of its side.
    pub range: i64,
    /// What happens outside that.
    pub outside: Outside,
    /// It is put where it belongs at least so often; zero is never.
    pub refresh: Span,
    /// How long quotes may wait; then the attempt ends with what it has.
    pub rest_within: Span,
}

impl Quoting {
    /// What is asked beyond the band by a slice with so many before it and so many after it; `None`
    /// where that is no ratio.
    #[must_use]
    pub fn reload_at(&self, before: i64, after: i64) -> Option<Ratio> {
        let steps = if self.reload < Ratio::ZERO { -after } else { before };
        self.reload.times(Ratio::new(i128::from(steps), 1).ok()?).ok()
    }

    /// No leg is quoted.
    pub const NONE: Quoting = Quoting {
        lean_base: 0,
        lean_times: Ratio::ONE,
        lean_price: LeanPrice::Worst,
        when_thin: WhenThin::Pull,
        slop_inside: Ratio::ZERO,
        slop_outside: Ratio::ZERO,
        reload: Ratio::ZERO,
        min_reprice: 0,
        max_reprice: 0,
        raise_by: 0,
        range: 0,
        outside: Outside::Pull,
        refresh: Span::ZERO,
        rest_within: Span::ZERO,
    };
}

/// How the legs of a slice are worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Legging {
    /// The mode.
    pub mode: Mode,
    /// By leg.
    pub legs: [LegRule; LEGS_MAX],
    /// How quotes are handled; [`Quoting::NONE`] in other modes.
    pub quote: Quoting,
}

impl Legging {
    /// All legs at once.
    pub const AT_ONCE: Legging = Legging {
        mode: Mode::Simultaneous,
        legs: [LegRule::PLAIN; LEGS_MAX],
        quote: Quoting::NONE,
    };

    /// Whether some leg is sent later than the others.
    #[inline]
    #[must_use]
    pub fn is_staged(&self) -> bool {
        match self.mode {
            Mode::Simultaneous => self.legs.iter().any(|leg| leg.offset > Span::ZERO),
            Mode::Sequential | Mode::Quoting => true,
        }
    }

    /// Appends every value, for the journal and the state digest.
    pub fn write(&self, out: &mut Writer) {
        let plain = *self == Legging::AT_ONCE;
        out.bool(plain);
        if plain {
            return;
        }
        out.u8(self.mode.code());
        for leg in &self.legs {
            out.bool(leg.leads);
            out.bool(leg.rests);
            let counts = [leg.chase_away, leg.chase_ahead, leg.hedge_from];
            for number in [leg.offset.0, leg.pay_up, leg.chase].into_iter().chain(counts) {
                out.i64(number);
            }
            out.u16(leg.take_after);
            out.u8(match leg.convert {
                Convert::Never => 0,
                Convert::Attempt => 1,
                Convert::Always => 2,
                Convert::KeepQueue => 3,
            });
            write_slip(out, leg);
        }
        let of = &self.quote;
        out.u8(match of.lean_price {
            LeanPrice::Worst => 0,
            LeanPrice::Average => 1,
            LeanPrice::Touch => 2,
        });
        out.u8(match of.when_thin {
            WhenThin::Pull => 0,
            WhenThin::Return => 1,
            WhenThin::ShrinkToTouch => 2,
            WhenThin::ShrinkToDepth => 3,
        });
        out.u8(match of.outside {
            Outside::Pull => 0,
            Outside::Leave => 1,
            Outside::Away => 2,
        });
        for ratio in [of.lean_times, of.slop_inside, of.slop_outside, of.reload] {
            out.i64(ratio.num());
            out.i64(ratio.den());
        }
        for number in [
            of.lean_base,
            of.min_reprice,
            of.max_reprice,
            of.raise_by,
            of.range,
            of.refresh.0,
            of.rest_within.0,
        ] {
            out.i64(number);
        }
    }

    /// What [`Legging::write`] wrote.
    ///
    /// # Errors
    /// [`WireError`] for bytes that it cannot have written.
    pub fn read(from: &mut Reader<'_>) -> Result<Legging, WireError> {
        if from.bool()? {
            return Ok(Legging::AT_ONCE);
        }
        let mode = code(from, &[Mode::Simultaneous, Mode::Sequential, Mode::Quoting])?;
        let mut legs = [LegRule::PLAIN; LEGS_MAX];
        for leg in &mut legs {
            *leg = read_leg(from)?;
        }
        let lean_price = code(from, &[LeanPrice::Worst, LeanPrice::Average, LeanPrice::Touch])?;
        let when_thin = code(
            from,
            &[WhenThin::Pull, WhenThin::Return, WhenThin::ShrinkToTouch, WhenThin::ShrinkToDepth],
        )?;
        let outside = code(from, &[Outside::Pull, Outside::Leave, Outside::Away])?;
        let (lean_times, slop_inside) = (ratio(from)?, ratio(from)?);
        let (slop_outside, reload) = (ratio(from)?, ratio(from)?);
        let quote = Quoting {
            lean_base: from.i64()?,
            lean_times,
            lean_price,
            when_thin,
            slop_inside,
            slop_outside,
            reload,
            min_reprice: from.i64()?,
            max_reprice: from.i64()?,
            raise_by: from.i64()?,
            range: from.i64()?,
            outside,
            refresh: Span(from.i64()?),
            rest_within: Span(from.i64()?),
        };
        let legging = Legging { mode, legs, quote };
        // Only one form is ever written: equal values, equal bytes.
        let at = from.position();
        if legging == Legging::AT_ONCE { Err(WireError::Range { at }) } else { Ok(legging) }
    }
}

fn write_slip(out: &mut Writer, leg: &LegRule) {
    out.option_i64(leg.slip);
    out.bool(leg.slip_money.is_some());
    if let Some(money) = leg.slip_money {
        out.i128(money.0);
    }
    out.bool(leg.slip_rate.is_some());
    if let Some(rate) = leg.slip_rate {
        out.i64(rate.num());
        out.i64(rate.den());
    }
}

fn read_leg(from: &mut Reader<'_>) -> Result<LegRule, WireError> {
    Ok(LegRule {
        leads: from.bool()?,
        rests: from.bool()?,
        offset: Span(from.i64()?),
        pay_up: from.i64()?,
        chase: from.i64()?,
        chase_away: from.i64()?,
        chase_ahead: from.i64()?,
        hedge_from: from.i64()?,
        take_after: from.u16()?,
        convert: code(
            from,
            &[Convert::Never, Convert::Attempt, Convert::Always, Convert::KeepQueue],
        )?,
        slip: from.option_i64()?,
        slip_money: if from.bool()? { Some(Money(from.i128()?)) } else { None },
        slip_rate: if from.bool()? { Some(ratio(from)?) } else { None },
    })
}

fn code<T: Copy>(from: &mut Reader<'_>, known: &[T]) -> Result<T, WireError> {
    let at = from.position();
    let found = from.u8()?;
    known.get(usize::from(found)).copied().ok_or(WireError::Code { at, found })
}

fn ratio(from: &mut Reader<'_>) -> Result<Ratio, WireError> {
    let at = from.position();
    let (num, den) = (from.i64()?, from.i64()?);
    let ratio = Ratio::new(num.into(), den.into()).map_err(|_| WireError::Range { at })?;
    if (ratio.num(), ratio.den()) == (num, den) { Ok(ratio) } else { Err(WireError::Range { at }) }
}
