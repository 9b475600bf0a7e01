//! One order: what we ask of a venue, what the venue says, and the machine between the two.
//!
//! # The machine
//! `New → Sent → Acked → Partial → Filled`, `PendingCancel → Cancelled`, `Rejected`, `Expired`, and
//! `Unknown`: sent, and nothing is proven. [`Order::next`] is defined for every pair of state and
//! input and answers *applied*, *ignored* or *conflict*; the table of all pairs is printed by a
//! test into `docs/order.md`.
//!
//! Three rules carry the rest. A time-out is never a rejection: it leads to `Unknown` and a query,
//! and `Unknown` ends only on evidence for that id, or on an operator's recorded word. What a venue
//! claims of an end (`cum`) and what we have booked are kept apart: an order is *confirmed* when
//! the two are equal, and until then the end is only a claim. A done order never changes its
//! label; a fill that comes later is booked all the same.

use crate::ids::Text;
use crate::num::{Qty, Side, div_ceil};
use crate::time::Time;
use crate::wire::Writer;

mod news;
mod reject;
mod store;

pub use news::{
    Amend, Answer, Cancel, FeeNews, Fill, Found, HedgeFlag, LiquiditySide, News, Place, Query,
    Report, TimeInForce, VenueStatus,
};
pub use reject::{Action, Pause, RejectClass};
pub use store::{Execution, ExecutionKey, Orders};

/// Where we believe an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum State {
    /// Made; it has not left.
    New = 0,
    /// It may have left; nothing came back yet.
    Sent = 1,
    /// The venue has it.
    Acked = 2,
    /// The venue has it and it has traded.
    Partial = 3,
    /// An amendment is under way.
    PendingAmend = 4,
    /// A cancel is under way.
    PendingCancel = 5,
    /// Nothing is proven.
    Unknown = 6,
    /// Done: wholly filled.
    Filled = 7,
    /// Done: cancelled.
    Cancelled = 8,
    /// Done: rejected, or proven never to have arrived.
    Rejected = 9,
    /// Done: its time ran out.
    Expired = 10,
}

impl State {
    /// Every state, in the order of its code.
    pub const ALL: [State; 11] = [
        State::New,
        State::Sent,
        State::Acked,
        State::Partial,
        State::PendingAmend,
        State::PendingCancel,
        State::Unknown,
        State::Filled,
        State::Cancelled,
        State::Rejected,
        State::Expired,
    ];

    /// Whether the order can do nothing more, as far as its label goes.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, State::Filled | State::Cancelled | State::Rejected | State::Expired)
    }

    /// Its stable code.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// What can happen to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// It was handed over for sending.
    Sent,
    /// The venue has it.
    Accepted,
    /// It traded so much; `cum` is the venue's running total where it says so.
    Fill {
        /// Lots.
        qty: Qty,
        /// Running total.
        cum: Option<Qty>,
    },
    /// It is done, having traded `cum` in all.
    Done {
        /// [`VenueStatus::Filled`], `Cancelled`, `Rejected` or `Expired`; `Working` is no end.
        status: VenueStatus,
        /// The venue's total; `None` where it gives none.
        cum: Option<Qty>,
    },
    /// It works at the venue, having traded `cum` in all.
    Working {
        /// The venue's total.
        cum: Qty,
    },
    /// A cancel was refused.
    CancelRejected {
        /// Why.
        class: RejectClass,
    },
    /// The venue has proven that it never had it; its longest delay has passed.
    Absent,
    /// A query proved nothing.
    Inconclusive,
    /// An answer is overdue.
    Timeout,
    /// The trading link went down.
    LinkDown,
    /// A cancel was handed over for sending.
    CancelSent,
    /// An execution of so much was taken back.
    Bust {
        /// Lots.
        qty: Qty,
    },
    /// An execution of so much came that had been taken back before; `cum` as of a fill.
    PassedOver {
        /// Lots.
        qty: Qty,
        /// The venue's running total after it.
        cum: Option<Qty>,
    },
    /// An execution of so much was corrected; how many lots are missing stays as it was.
    Correct {
        /// Lots before; more than zero.
        from: Qty,
        /// Lots now; more than zero.
        to: Qty,
    },
    /// An operator's word: it is done with what is booked.
    Override {
        /// The end.
        status: VenueStatus,
    },
}

/// Why an input changed nothing, and need not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// It was known.
    Known,
    /// It is older than what is known.
    Stale,
    /// It proves nothing.
    NoEvidence,
    /// It cannot be meant for an order in this state.
    NotDue,
}

/// Why an input contradicts what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clash {
    /// The venue's total is less than what is booked.
    TotalBelowBooked,
    /// The venue's total is less than its own word: an earlier total, or the size of an order that
    /// it calls filled.
    TotalBelowTold,
    /// The execution would take the total beyond what the venue says: counted twice.
    CountedTwice,
    /// "Never had it" of an order that was seen.
    AbsentButSeen,
    /// More is taken back than was booked.
    BustBeyondBooked,
    /// It works, and an operator has said that it does not.
    OverriddenButWorks,
}

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was applied.
    Applied,
    /// It changed nothing.
    Ignored(Ignored),
    /// It contradicts what is known and was not applied; the order is asked about.
    Conflict(Clash),
}

/// One order of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub struct Order {
    /// What was asked for.
    pub place: Place,
    /// Where it stands.
    pub state: State,
    /// Lots booked.
    pub cum: i64,
    /// The venue's largest total.
    pub venue_cum: i64,
    /// The end that the venue claims while executions are missing.
    pub claimed: Option<State>,
    /// Whether the venue has ever shown that it has it; a rejected order that was not seen was
    /// proven absent.
    pub seen: bool,
    /// Whether an execution was taken back or corrected: filled may then be less than its size, and
    /// a total may count what stands no more.
    pub revised: bool,
    /// Executions of which only a correction was heard: their fee came with what is missing. Also
    /// what a revision after an operator's word leaves open: whose lots that word had counted.
    pub unheard: u8,
    /// Whether its end is an operator's word.
    pub overridden: bool,
    /// Σ price × lots booked, in ticks × lots.
    pub cost: i128,
    /// Σ price × lots at which the books displayed its lots when it left, where somebody asks.
    pub displayed: Option<i128>,
    /// What of its lots was told to have slipped, in ticks × lots.
    pub slipped: i128,
    /// The venue's id.
    pub venue_order_id: Text,
    /// When it was handed over.
    pub sent: Time,
    /// When something is to be done about it next; [`Time::MAX`] when nothing is.
    pub due: Time,
    /// When the last news of it came.
    pub heard: Time,
    /// Cancels sent.
    pub cancels: u16,
    /// Whether it is counted as a cancel.
    pub counted: bool,
    /// Queries sent since the last evidence.
    pub queries: u16,
    /// Queries sent in all.
    pub asked: u16,
    /// When the last of them was sent.
    pub asked_at: Time,
    /// Whether it was told that it has been asked about as often as is of use.
    pub asked_out: bool,
    /// Day rolls since it was done and confirmed.
    pub days_done: u8,
}

impl Order {
    /// A new order that has not left.
    #[must_use]
    pub fn new(place: Place, now: Time) -> Order {
        Order {
            place,
            state: State::New,
            cum: 0,
            venue_cum: 0,
            claimed: None,
            seen: false,
            revised: false,
            unheard: 0,
            overridden: false,
            cost: 0,
            displayed: None,
            slipped: 0,
            venue_order_id: Text::EMPTY,
            sent: now,
            due: Time::MAX,
            heard: now,
            cancels: 0,
            counted: false,
            queries: 0,
            asked: 0,
            asked_at: now,
            asked_out: false,
            days_done: 0,
        }
    }

    /// Whether it can do nothing more and everything it did is booked.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.state.is_done() && self.venue_cum == self.cum && self.unheard == 0
    }

    /// Whether the venue has proven that it never had it, and nothing has shown otherwise since.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.state == State::Rejected && !self.seen
    }

    /// Whether it rests at the venue and a cancel is of use.
    #[must_use]
    pub fn is_resting(&self) -> bool {
        matches!(self.state, State::Acked | State::Partial | State::PendingAmend)
    }

    /// Lots that it may still trade, at worst.
    #[must_use]
    pub fn leaves(&self) -> i64 {
        let total = match (self.state.is_done(), self.claimed) {
            (true, _) | (false, Some(_)) => self.venue_cum,
            (false, None) => self.place.qty.get().max(self.venue_cum),
        };
        (total - self.cum).max(0)
    }

    /// What it traded worse than the books displayed when it left, in ticks × lots, rounded against
    /// us; negative where it traded better.
    #[must_use]
    pub fn slippage(&self) -> i128 {
        let Some(displayed) = self.displayed else { return 0 };
        let qty = i128::from(self.place.qty.get().max(1));
        let worse = self.cost * qty - displayed * i128::from(self.cum);
        div_ceil(worse * i128::from(self.place.side.sign()), qty)
    }

    /// Lots traded beyond its size.
    #[must_use]
    pub fn overfill(&self) -> i64 {
        (self.cum - self.place.qty.get()).max(0)
    }

    /// Takes one input; every pair of state and input is defined.
    pub fn next(&mut self, input: Input) -> Verdict {
        match input {
            Input::Sent => self.on_sent(),
            Input::Accepted => self.on_accepted(),
            Input::Fill { qty, cum } => self.on_fill(qty, cum),
            Input::Done { status, cum } => self.on_done(status, cum),
            Input::Working { cum } => self.on_working(cum),
            Input::CancelRejected { class } => self.on_cancel_rejected(class),
            Input::Absent => self.on_absent(),
            Input::Inconclusive => Verdict::Ignored(Ignored::NoEvidence),
            Input::Timeout => self.on_timeout(),
            Input::LinkDown => self.on_link_down(),
            Input::CancelSent => self.on_cancel_sent(),
            Input::Bust { qty } => self.on_bust(qty),
            Input::PassedOver { qty, cum } => self.on_passed_over(qty, cum),
            Input::Correct { from, to } => self.on_correct(from, to),
            Input::Override { status } => self.on_override(status),
        }
    }

    fn on_sent(&mut self) -> Verdict {
        match self.state {
            State::New => {
                self.state = State::Sent;
                Verdict::Applied
            }
            State::Sent
            | State::Acked
            | State::Partial
            | State::PendingAmend
            | State::PendingCancel
            | State::Unknown => Verdict::Ignored(Ignored::Known),
            State::Filled | State::Cancelled | State::Rejected | State::Expired => {
                Verdict::Ignored(Ignored::NotDue)
            }
        }
    }

    /// An order proven absent has surfaced. Nothing of ours waits for it, so somebody must act.
    fn surfaced(&mut self) -> bool {
        let absent = self.is_absent();
        self.seen = true;
        absent
    }

    fn on_accepted(&mut self) -> Verdict {
        if self.surfaced() {
            return Verdict::Conflict(Clash::AbsentButSeen);
        }
        match self.state {
            State::New | State::Sent => {
                self.state = self.working();
                Verdict::Applied
            }
            // While executions are missing, that it was accepted says nothing new.
            State::Unknown if self.working() != State::Unknown => {
                self.state = self.working();
                Verdict::Applied
            }
            State::Unknown => Verdict::Ignored(Ignored::Stale),
            State::Acked | State::Partial | State::PendingAmend | State::PendingCancel => {
                Verdict::Ignored(Ignored::Known)
            }
            State::Filled | State::Cancelled | State::Rejected | State::Expired => {
                Verdict::Ignored(Ignored::Stale)
            }
        }
    }

    fn on_fill(&mut self, qty: Qty, cum: Option<Qty>) -> Verdict {
        self.seen = true;
        let total = self.cum + qty.get();
        // Once something was taken back it is not told which of its executions a total counts; an
        // operator's word has put another total in the place of the venue's.
        if let Some(cum) = cum.filter(|_| !self.revised && !self.overridden) {
            // Executions may come in any order, so a total below ours is no fault; booking more
            // than the largest total the venue ever gave is.
            let known = self.venue_cum.max(cum.get());
            if total > known {
                if !self.state.is_done() {
                    self.state = State::Unknown;
                }
                return Verdict::Conflict(Clash::CountedTwice);
            }
            self.venue_cum = known;
        }
        self.cum = total;
        self.venue_cum = self.venue_cum.max(total);
        match self.state {
            State::New | State::Sent | State::Acked | State::Partial => {
                self.state = if total >= self.place.qty.get() && self.venue_cum == total {
                    State::Filled
                } else {
                    State::Partial
                };
            }
            State::PendingAmend | State::PendingCancel => {
                if total >= self.place.qty.get() && self.venue_cum == total {
                    self.state = State::Filled;
                }
            }
            State::Unknown => {
                if let Some(end) = self.claimed {
                    if self.venue_cum == total {
                        self.state = end;
                        self.claimed = None;
                    }
                } else if total >= self.place.qty.get() && self.venue_cum == total {
                    self.state = State::Filled;
                }
            }
            // The label of a done order never changes.
            State::Filled | State::Cancelled | State::Rejected | State::Expired => {}
        }
        Verdict::Applied
    }

    fn on_done(&mut self, status: VenueStatus, cum: Option<Qty>) -> Verdict {
        let end = match status {
            VenueStatus::Working => return Verdict::Ignored(Ignored::NoEvidence),
            VenueStatus::Filled => State::Filled,
            VenueStatus::Cancelled => State::Cancelled,
            VenueStatus::Rejected => State::Rejected,
            VenueStatus::Expired => State::Expired,
        };
        let size = self.place.qty.get();
        let total = match (cum, end) {
            (Some(cum), _) => cum.get(),
            (None, State::Filled) if !self.revised => size.max(self.cum),
            (None, _) => return self.on_done_untold(end),
        };
        self.seen = self.seen || end != State::Rejected;
        if total < self.cum {
            if !self.state.is_done() {
                self.state = State::Unknown;
            }
            return Verdict::Conflict(Clash::TotalBelowBooked);
        }
        match self.state {
            State::Filled | State::Cancelled | State::Rejected | State::Expired => {
                // A total from before something was taken back may have been believed.
                let is_less = self.revised && total < self.venue_cum;
                if total <= self.venue_cum && !is_less {
                    return Verdict::Ignored(Ignored::Known);
                }
                // The label stays, but executions are missing: it is unconfirmed again.
                self.venue_cum = total;
                Verdict::Applied
            }
            State::New
            | State::Sent
            | State::Acked
            | State::Partial
            | State::PendingAmend
            | State::PendingCancel
            | State::Unknown => {
                let is_less = total < self.venue_cum || end == State::Filled && total < size;
                if is_less && !self.revised {
                    // Taken at its word, this end would leave executions that nobody waits for.
                    self.state = State::Unknown;
                    return Verdict::Conflict(Clash::TotalBelowTold);
                }
                self.venue_cum = total;
                if total == self.cum {
                    self.state = end;
                    self.seen = true;
                    self.claimed = None;
                } else {
                    self.state = State::Unknown;
                    self.claimed = Some(end);
                }
                Verdict::Applied
            }
        }
    }

    /// An end without a total: a reject that proves no fills only where none were seen.
    fn on_done_untold(&mut self, end: State) -> Verdict {
        match self.state {
            State::Filled | State::Cancelled | State::Rejected | State::Expired => {
                Verdict::Ignored(Ignored::Known)
            }
            State::New | State::Sent | State::Acked | State::PendingAmend
                if self.cum == 0 && self.venue_cum == 0 =>
            {
                self.state = end;
                self.seen = true;
                Verdict::Applied
            }
            State::Unknown if self.cum == 0 && self.venue_cum == 0 && self.claimed.is_none() => {
                self.state = end;
                self.seen = true;
                Verdict::Applied
            }
            State::New
            | State::Sent
            | State::Acked
            | State::Partial
            | State::PendingAmend
            | State::PendingCancel
            | State::Unknown => {
                self.state = State::Unknown;
                Verdict::Applied
            }
        }
    }

    fn on_working(&mut self, cum: Qty) -> Verdict {
        if self.surfaced() {
            return Verdict::Conflict(Clash::AbsentButSeen);
        }
        match self.state {
            State::New | State::Sent | State::Acked | State::Partial | State::PendingAmend => {
                self.after_working(cum)
            }
            State::Unknown if self.claimed.is_none() => self.after_working(cum),
            State::Unknown => Verdict::Ignored(Ignored::Stale),
            State::PendingCancel if cum.get() > self.venue_cum => {
                self.venue_cum = cum.get();
                Verdict::Applied
            }
            State::PendingCancel => Verdict::Ignored(Ignored::Known),
            State::Filled | State::Cancelled | State::Rejected | State::Expired
                if self.overridden =>
            {
                Verdict::Conflict(Clash::OverriddenButWorks)
            }
            State::Filled | State::Cancelled | State::Rejected | State::Expired => {
                Verdict::Ignored(Ignored::Stale)
            }
        }
    }

    fn after_working(&mut self, cum: Qty) -> Verdict {
        if cum.get() < self.cum {
            return Verdict::Ignored(Ignored::Stale);
        }
        self.venue_cum = self.venue_cum.max(cum.get());
        self.state = self.working();
        Verdict::Applied
    }

    fn on_cancel_rejected(&mut self, class: RejectClass) -> Verdict {
        match self.state {
            State::PendingCancel => {
                self.state = match class {
                    // "Already done" and "not known" say nothing about fills, nor does "asked before".
                    RejectClass::TooLate | RejectClass::UnknownOrder | RejectClass::Duplicate => {
                        State::Unknown
                    }
                    RejectClass::Other
                    | RejectClass::Money
                    | RejectClass::Lots
                    | RejectClass::Price
                    | RejectClass::Size
                    | RejectClass::Phase
                    | RejectClass::Rate
                    | RejectClass::Link
                    | RejectClass::Permission
                    | RejectClass::SelfTrade
                    | RejectClass::Halted
                    | RejectClass::Limit
                    | RejectClass::CloseOnly
                    | RejectClass::Field
                    | RejectClass::Again => self.working(),
                };
                Verdict::Applied
            }
            State::New
            | State::Sent
            | State::Acked
            | State::Partial
            | State::PendingAmend
            | State::Unknown => Verdict::Ignored(Ignored::NoEvidence),
            State::Filled | State::Cancelled | State::Rejected | State::Expired => {
                Verdict::Ignored(Ignored::Stale)
            }
        }
    }

    fn on_absent(&mut self) -> Verdict {
        match self.state {
            State::Filled | State::Cancelled | State::Expired => {
                Verdict::Conflict(Clash::AbsentButSeen)
            }
            State::Rejected => Verdict::Ignored(Ignored::Known),
            State::New
            | State::Sent
            | State::Acked
            | State::Partial
            | State::PendingAmend
            | State::PendingCancel
            | State::Unknown => {
                if self.seen || self.venue_cum > 0 {
                    self.state = State::Unknown;
                    return Verdict::Conflict(Clash::AbsentButSeen);
                }
                self.state = State::Rejected;
                self.claimed = None;
                Verdict::Applied
            }
        }
    }

    fn on_timeout(&mut self) -> Verdict {
        let at_once = matches!(self.place.tif, TimeInForce::Ioc | TimeInForce::Fok);
        match self.state {
            State::Sent | State::PendingCancel | State::PendingAmend => {
                self.state = State::Unknown;
                Verdict::Applied
            }
            State::Acked | State::Partial if at_once => {
                self.state = State::Unknown;
                Verdict::Applied
            }
            State::New | State::Acked | State::Partial => Verdict::Ignored(Ignored::NotDue),
            State::Unknown => Verdict::Ignored(Ignored::Known),
            State::Filled | State::Cancelled | State::Rejected | State::Expired => {
                Verdict::Ignored(Ignored::NotDue)
            }
        }
    }

    fn on_link_down(&mut self) -> Verdict {
        match self.state {
            State::New
            | State::Sent
            | State::Acked
            | State::Partial
            | State::PendingAmend
            | State::PendingCancel => {
                self.state = State::Unknown;
                Verdict::Applied
            }
            State::Unknown => Verdict::Ignored(Ignored::Known),
            State::Filled | State::Cancelled | State::Rejected | State::Expired => {
                Verdict::Ignored(Ignored::NotDue)
            }
        }
    }

    fn on_cancel_sent(&mut self) -> Verdict {
        match self.state {
            State::Sent | State::Acked | State::Partial | State::PendingAmend => {
                self.state = State::PendingCancel;
                Verdict::Applied
            }
            State::PendingCancel | State::Unknown => Verdict::Ignored(Ignored::Known),
            State::New | State::Filled | State::Cancelled | State::Rejected | State::Expired => {
                Verdict::Ignored(Ignored::NotDue)
            }
        }
    }

    fn on_bust(&mut self, qty: Qty) -> Verdict {
        if qty.get() > self.cum {
            return Verdict::Conflict(Clash::BustBeyondBooked);
        }
        self.cum -= qty.get();
        self.venue_cum -= qty.get();
        self.revised = true;
        if self.state == State::Partial && self.cum == 0 {
            self.state = State::Acked;
        }
        Verdict::Applied
    }

    /// It counts for what the venue has told, and no longer for the order. That it would have filled
    /// the order up beside others is no end that was told: a venue may give lots that were taken back
    /// to an order that works.
    #[cold]
    #[inline(never)]
    fn on_passed_over(&mut self, qty: Qty, cum: Option<Qty>) -> Verdict {
        let (before, was_claimed) = (self.state, self.claimed.is_some());
        let verdict = self.next(Input::Fill { qty, cum });
        if let Verdict::Conflict(_) = verdict {
            return verdict;
        }
        let verdict = self.next(Input::Bust { qty });
        let told = cum.unwrap_or(qty) >= self.place.qty;
        if self.state.is_done() && !before.is_done() && !was_claimed && !told {
            self.state = match before {
                State::New | State::Sent => self.working(),
                State::Acked
                | State::Partial
                | State::PendingAmend
                | State::PendingCancel
                | State::Unknown
                | State::Filled
                | State::Cancelled
                | State::Rejected
                | State::Expired => before,
            };
        }
        verdict
    }

    fn on_correct(&mut self, from: Qty, to: Qty) -> Verdict {
        if from.get() > self.cum {
            return Verdict::Conflict(Clash::BustBeyondBooked);
        }
        let change = to.get() - from.get();
        self.cum += change;
        self.venue_cum += change;
        self.revised = true;
        Verdict::Applied
    }

    fn on_override(&mut self, status: VenueStatus) -> Verdict {
        let end = match status {
            VenueStatus::Working => return Verdict::Ignored(Ignored::NoEvidence),
            VenueStatus::Filled => State::Filled,
            VenueStatus::Cancelled => State::Cancelled,
            VenueStatus::Rejected => State::Rejected,
            VenueStatus::Expired => State::Expired,
        };
        if self.is_confirmed() {
            return Verdict::Ignored(Ignored::Known);
        }
        if !self.state.is_done() {
            self.state = end;
        }
        self.venue_cum = self.cum;
        self.claimed = None;
        self.unheard = 0;
        self.overridden = true;
        Verdict::Applied
    }

    fn working(&self) -> State {
        if self.venue_cum > self.cum {
            // Executions that are missing keep it unknown: the query goes on until they come.
            State::Unknown
        } else if self.cum > 0 {
            State::Partial
        } else {
            State::Acked
        }
    }

    /// The order in canonical bytes, for the state digest.
    pub fn digest(&self, out: &mut Writer) {
        out.u64(self.place.order.0);
        out.i64(self.place.price.0);
        out.i64(self.place.qty.get());
        out.u16(self.place.account.0);
        out.u16(self.place.instrument.0);
        out.bool(self.place.side == Side::Sell);
        out.u8(self.place.effect.code());
        out.u8(self.place.kind.code());
        out.u8(self.place.purpose.code());
        out.bytes(self.venue_order_id.as_str().as_bytes());
        out.u8(self.state.code());
        out.u8(self.claimed.map_or(u8::MAX, State::code));
        out.bool(self.seen);
        out.bool(self.revised);
        out.u8(self.unheard);
        out.bool(self.overridden);
        out.i64(self.cum);
        out.i64(self.venue_cum);
        out.i128(self.cost);
        if let Some(displayed) = self.displayed {
            out.i128(displayed);
            out.i128(self.slipped);
        }
        out.i64(self.sent.0);
        out.i64(self.due.0);
        out.i64(self.heard.0);
        out.u16(self.cancels);
        out.bool(self.counted);
        out.u16(self.queries);
        out.u16(self.asked);
        out.i64(self.asked_at.0);
        out.bool(self.asked_out);
        out.u8(self.days_done);
    }
}
