//! Why a venue said no, and what follows from it.
//!
//! A venue's own codes are translated to a [`RejectClass`] where they are read; the engine knows
//! only the classes. [`RejectClass::action`] is the whole of what it does about a rejected order,
//! [`RejectClass::pauses`] where nothing new is entered for a while. Both are printed into
//! `docs/rejects.md` by a test.

/// Why a venue rejected an order or a cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum RejectClass {
    /// Anything else; its code is kept.
    Other = 0,
    /// Too little money.
    Money = 1,
    /// Too few lots to close.
    Lots = 2,
    /// Price off the grid or outside the band.
    Price = 3,
    /// Size.
    Size = 4,
    /// The phase takes no orders, or no cancels.
    Phase = 5,
    /// Too many messages.
    Rate = 6,
    /// The venue's own link is down.
    Link = 7,
    /// Not logged in, not permitted.
    Permission = 8,
    /// The id was used before.
    Duplicate = 9,
    /// It would have traded with our own order.
    SelfTrade = 10,
    /// The order is not known there; of a cancel: this proves nothing about fills.
    UnknownOrder = 11,
    /// Of a cancel: the order is already done.
    TooLate = 12,
    /// The instrument does not trade.
    Halted = 13,
    /// More than may be held: the venue's or the broker's limit of positions or of orders.
    Limit = 14,
    /// The instrument takes only orders that close.
    CloseOnly = 15,
    /// A field, an order type or a flag that the venue does not take.
    Field = 16,
    /// Nothing was wrong with it: it may be sent again.
    Again = 17,
}

/// What follows from a rejected order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Another order may follow at once, within the tries of its leg.
    Retry,
    /// It proves nothing: the venue is asked, and no order follows before the answer.
    Query,
    /// What is still wanted is sent again smaller, half of it at most, until nothing is left.
    Shrink,
    /// Where today's lots are told from earlier ones it is sent again with the other effect; a
    /// second no ends the way of that leg.
    Resplit,
    /// Nothing leaves there for a while; repair goes on after it.
    BackOff,
    /// The leg trades no further that way in this attempt: repair takes the other way.
    TurnBack,
    /// HALT of the account, with an alarm.
    HaltAccount,
    /// RESTRICT of the hedge, with an alarm: the order was wrong, and the next would be. The leg
    /// trades no further that way in this attempt.
    RestrictHedge,
}

/// Where a pause lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// There is none.
    None,
    /// In the contract.
    Instrument,
    /// In the account.
    Account,
    /// At the venue.
    Venue,
}

impl RejectClass {
    /// Every class, in the order of its code.
    pub const ALL: [RejectClass; 18] = [
        RejectClass::Other,
        RejectClass::Money,
        RejectClass::Lots,
        RejectClass::Price,
        RejectClass::Size,
        RejectClass::Phase,
        RejectClass::Rate,
        RejectClass::Link,
        RejectClass::Permission,
        RejectClass::Duplicate,
        RejectClass::SelfTrade,
        RejectClass::UnknownOrder,
        RejectClass::TooLate,
        RejectClass::Halted,
        RejectClass::Limit,
        RejectClass::CloseOnly,
        RejectClass::Field,
        RejectClass::Again,
    ];

    /// Its name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            RejectClass::Other => "other",
            RejectClass::Money => "money",
            RejectClass::Lots => "lots",
            RejectClass::Price => "price",
            RejectClass::Size => "size",
            RejectClass::Phase => "phase",
            RejectClass::Rate => "rate",
            RejectClass::Link => "link",
            RejectClass::Permission => "permission",
            RejectClass::Duplicate => "duplicate",
            RejectClass::SelfTrade => "self_trade",
            RejectClass::UnknownOrder => "unknown_order",
            RejectClass::TooLate => "too_late",
            RejectClass::Halted => "halted",
            RejectClass::Limit => "limit",
            RejectClass::CloseOnly => "close_only",
            RejectClass::Field => "field",
            RejectClass::Again => "again",
        }
    }

    /// Its stable code.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What follows from an order that was rejected for it.
    #[must_use]
    pub const fn action(self) -> Action {
        match self {
            RejectClass::Other | RejectClass::SelfTrade | RejectClass::Again => Action::Retry,
            RejectClass::Duplicate | RejectClass::UnknownOrder | RejectClass::TooLate => {
                Action::Query
            }
            RejectClass::Money | RejectClass::Limit | RejectClass::Size => Action::Shrink,
            RejectClass::Lots => Action::Resplit,
            RejectClass::Rate | RejectClass::Link => Action::BackOff,
            RejectClass::Phase | RejectClass::Halted | RejectClass::CloseOnly => Action::TurnBack,
            RejectClass::Permission => Action::HaltAccount,
            RejectClass::Price | RejectClass::Field => Action::RestrictHedge,
        }
    }

    /// Where nothing new is entered for a while after it.
    #[must_use]
    pub const fn pauses(self) -> Pause {
        match self {
            RejectClass::Money | RejectClass::Rate => Pause::Account,
            RejectClass::Link => Pause::Venue,
            RejectClass::Limit
            | RejectClass::Size
            | RejectClass::Lots
            | RejectClass::Phase
            | RejectClass::Halted
            | RejectClass::CloseOnly => Pause::Instrument,
            // These are latched, or say nothing about what comes next.
            RejectClass::Other
            | RejectClass::SelfTrade
            | RejectClass::Again
            | RejectClass::Duplicate
            | RejectClass::UnknownOrder
            | RejectClass::TooLate
            | RejectClass::Permission
            | RejectClass::Price
            | RejectClass::Field => Pause::None,
        }
    }
}

impl Action {
    /// Every action, in the order of its code.
    pub const ALL: [Action; 8] = [
        Action::Retry,
        Action::Query,
        Action::Shrink,
        Action::Resplit,
        Action::BackOff,
        Action::TurnBack,
        Action::HaltAccount,
        Action::RestrictHedge,
    ];

    /// Its stable code: the detail of `AlertCode::Rejected`.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Action::Retry => 0,
            Action::Query => 1,
            Action::Shrink => 2,
            Action::Resplit => 3,
            Action::BackOff => 4,
            Action::TurnBack => 5,
            Action::HaltAccount => 6,
            Action::RestrictHedge => 7,
        }
    }

    /// Its name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Action::Retry => "retry",
            Action::Query => "query",
            Action::Shrink => "shrink",
            Action::Resplit => "resplit",
            Action::BackOff => "back_off",
            Action::TurnBack => "turn_back",
            Action::HaltAccount => "halt_account",
            Action::RestrictHedge => "restrict_hedge",
        }
    }
}
