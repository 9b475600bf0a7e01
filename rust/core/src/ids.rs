//! Names and numbers of things: dense ids, inline texts, client order ids.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// A dense id: its number is its place in a [`Table`].
pub trait Id: Copy {
    /// The place in a table.
    fn index(self) -> usize;
    /// The id at a place; places beyond the id's width do not occur, the configuration bounds them.
    fn at(index: usize) -> Self;
}

macro_rules! dense_id {
    ($(#[$doc:meta])* $name:ident, $width:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(pub $width);

        impl Id for $name {
            #[inline]
            fn index(self) -> usize {
                usize::from(self.0)
            }
            fn at(index: usize) -> Self {
                match <$width>::try_from(index) {
                    Ok(number) => $name(number),
                    Err(_) => panic!("{} beyond its width: {index}", stringify!($name)),
                }
            }
        }
    };
}

dense_id!(/// A place where orders go.
    VenueId, u16);
dense_id!(/// Whose money, at which broker, in which currency.
    AccountId, u16);
dense_id!(/// One tradable contract.
    InstrumentId, u16);
dense_id!(/// A kind of goods; limits are summed over it.
    ProductId, u16);
dense_id!(/// A configured hedge.
    HedgeId, u16);
dense_id!(/// Accounts under one actual control.
    GroupId, u16);
dense_id!(/// Hedges that follow one idea.
    StrategyId, u16);
dense_id!(/// A currency.
    CurrencyId, u8);
dense_id!(/// A leg of a hedge, in the order of its configuration.
    LegId, u8);

/// One value for every id, in the order of the ids.
#[derive(Clone, Debug)]
pub struct Table<I, T> {
    rows: Vec<T>,
    id: PhantomData<I>,
}

impl<I: Id, T> Table<I, T> {
    /// A table of these rows.
    #[must_use]
    pub fn new(rows: Vec<T>) -> Table<I, T> {
        Table { rows, id: PhantomData }
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row of `id`, `None` when the id names no row.
    #[inline]
    #[must_use]
    pub fn get(&self, id: I) -> Option<&T> {
        self.rows.get(id.index())
    }

    /// The row of `id`, `None` when the id names no row.
    #[inline]
    pub fn get_mut(&mut self, id: I) -> Option<&mut T> {
        self.rows.get_mut(id.index())
    }

    /// All rows in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.rows.iter()
    }

    /// All rows in order, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.rows.iter_mut()
    }

    /// All rows with their ids.
    pub fn pairs(&self) -> impl Iterator<Item = (I, &T)> {
        self.rows.iter().enumerate().map(|(index, row)| (I::at(index), row))
    }

    /// All ids in order.
    pub fn ids(&self) -> impl Iterator<Item = I> + use<I, T> {
        (0..self.rows.len()).map(I::at)
    }
}

// An id that passed the door names a row; any other index is a broken invariant and panics.
#[expect(clippy::indexing_slicing, reason = "ids are checked at the door, a miss is a bug")]
impl<I: Id, T> Index<I> for Table<I, T> {
    type Output = T;
    #[inline]
    fn index(&self, id: I) -> &T {
        &self.rows[id.index()]
    }
}

#[expect(clippy::indexing_slicing, reason = "ids are checked at the door, a miss is a bug")]
impl<I: Id, T> IndexMut<I> for Table<I, T> {
    #[inline]
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.rows[id.index()]
    }
}

/// Longest [`Text`], in bytes.
pub const TEXT_MAX: usize = 40;

/// Why a text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextError {
    /// No bytes.
    Empty,
    /// More than [`TEXT_MAX`] bytes.
    TooLong {
        /// Bytes found.
        bytes: usize,
    },
    /// A byte that is not printable ASCII, or a space.
    Byte {
        /// Offset of that byte.
        at: usize,
        /// The byte.
        found: u8,
    },
}

/// An inline text of 1 to 40 printable ASCII bytes without spaces, or empty when nothing is known.
///
/// Venue order ids and trade ids are compared byte for byte; case and homoglyph twins are other
/// ids, and what is outside ASCII is refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text {
    bytes: [u8; TEXT_MAX],
    len: u8,
}

impl Text {
    /// No text: not known.
    pub const EMPTY: Text = Text { bytes: [0; TEXT_MAX], len: 0 };

    /// The text of these bytes.
    ///
    /// # Errors
    /// [`TextError`] when empty, too long, or not printable ASCII.
    pub fn new(text: &str) -> Result<Text, TextError> {
        let source = text.as_bytes();
        if source.is_empty() {
            return Err(TextError::Empty);
        }
        let mut bytes = [0; TEXT_MAX];
        let (Ok(len), Some(target)) = (u8::try_from(source.len()), bytes.get_mut(..source.len()))
        else {
            return Err(TextError::TooLong { bytes: source.len() });
        };
        if let Some(at) = source.iter().position(|byte| !byte.is_ascii_graphic()) {
            return Err(TextError::Byte { at, found: source.get(at).copied().unwrap_or(0) });
        }
        target.copy_from_slice(source);
        Ok(Text { bytes, len })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or("")
    }

    /// The bytes of the text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Whether nothing is known.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Longest [`Note`], in bytes of UTF-8.
pub const NOTE_MAX: usize = 120;

/// Why a note was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteError {
    /// Nothing but spaces, or nothing.
    Empty,
    /// More than [`NOTE_MAX`] bytes.
    TooLong {
        /// Bytes found.
        bytes: usize,
    },
    /// A character that ends a line, moves a terminal or hides or turns what stands around it.
    Character {
        /// Offset of that character, in bytes.
        at: usize,
        /// The character.
        found: char,
    },
}

impl fmt::Display for NoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoteError::Empty => write!(f, "is empty"),
            NoteError::TooLong { bytes } => {
                write!(f, "has {bytes} bytes of UTF-8, more than {NOTE_MAX}")
            }
            NoteError::Character { at, found } => {
                write!(f, "has {found:?} at byte {at}, which is not shown on its line")
            }
        }
    }
}

/// What a person wrote, in any language: 1 to 120 bytes of UTF-8 on one line.
#[derive(Clone, PartialEq, Eq)]
pub struct Note(Box<str>);

impl Note {
    /// The note of this text.
    ///
    /// # Errors
    /// [`NoteError`] when it is empty or too long, or holds what does not stand on one line.
    pub fn new(text: &str) -> Result<Note, NoteError> {
        if text.trim().is_empty() {
            return Err(NoteError::Empty);
        }
        if text.len() > NOTE_MAX {
            return Err(NoteError::TooLong { bytes: text.len() });
        }
        match text.char_indices().find(|(_, found)| !stands_on_a_line(*found)) {
            Some((at, found)) => Err(NoteError::Character { at, found }),
            None => Ok(Note(text.into())),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// No control character, no line or paragraph end, and none that is invisible or turns the
/// direction of what follows: a log shows what was written.
fn stands_on_a_line(found: char) -> bool {
    let hides = matches!(
        found,
        '\u{AD}'
            | '\u{61C}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}'
    );
    !found.is_control() && !hides
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Our id of an order: engine 8 bits, run 12, hedge 10, attempt 18, leg 3, try 13.
///
/// It is a function of what it names, so a replay gives the same id, and it is in the journal
/// before the order leaves. Try 0 of leg 0 names the attempt itself and is its *decision id*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct ClientOrderId(pub u64);

/// Largest run number.
pub const RUN_MAX: u16 = (1 << 12) - 1;
/// Most hedges in one engine.
pub const HEDGES_MAX: usize = 1 << 10;
/// Largest attempt number of a hedge in one run.
pub const ATTEMPT_MAX: u32 = (1 << 18) - 1;
/// Most legs of a hedge.
pub const LEGS_MAX: usize = 8;
/// Largest try number of a leg in one attempt.
pub const TRY_MAX: u16 = (1 << 13) - 1;

const BASE32: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl ClientOrderId {
    /// The id of these parts, `None` when one is beyond its width.
    #[must_use]
    pub fn pack(
        engine: u8,
        run: u16,
        hedge: HedgeId,
        attempt: u32,
        leg: LegId,
        attempt_try: u16,
    ) -> Option<ClientOrderId> {
        let fits = run <= RUN_MAX
            && usize::from(hedge.0) < HEDGES_MAX
            && attempt <= ATTEMPT_MAX
            && usize::from(leg.0) < LEGS_MAX
            && attempt_try <= TRY_MAX;
        fits.then(|| {
            let mut bits = u64::from(engine);
            bits = (bits << 12) | u64::from(run);
            bits = (bits << 10) | u64::from(hedge.0);
            bits = (bits << 18) | u64::from(attempt);
            bits = (bits << 3) | u64::from(leg.0);
            ClientOrderId((bits << 13) | u64::from(attempt_try))
        })
    }

    /// The id of an order of the attempt that this decision id names; `None` when a part is beyond
    /// its width.
    #[must_use]
    pub fn order(self, leg: LegId, attempt_try: u16) -> Option<ClientOrderId> {
        let fits = usize::from(leg.0) < LEGS_MAX && attempt_try <= TRY_MAX;
        let parts = (u64::from(leg.0) << 13) | u64::from(attempt_try);
        fits.then(|| ClientOrderId(self.decision().0 | parts))
    }

    fn field(self, shift: u32, bits: u32) -> u64 {
        (self.0 >> shift) & ((1 << bits) - 1)
    }

    /// The engine that made it.
    #[must_use]
    pub fn engine(self) -> u8 {
        u8::try_from(self.field(56, 8)).unwrap_or(u8::MAX)
    }

    /// The run that made it.
    #[must_use]
    pub fn run(self) -> u16 {
        u16::try_from(self.field(44, 12)).unwrap_or(u16::MAX)
    }

    /// The hedge it trades for.
    #[must_use]
    pub fn hedge(self) -> HedgeId {
        HedgeId(u16::try_from(self.field(34, 10)).unwrap_or(u16::MAX))
    }

    /// The number of the attempt in its hedge and run.
    #[must_use]
    pub fn attempt(self) -> u32 {
        u32::try_from(self.field(16, 18)).unwrap_or(u32::MAX)
    }

    /// The leg it trades.
    #[must_use]
    pub fn leg(self) -> LegId {
        LegId(u8::try_from(self.field(13, 3)).unwrap_or(u8::MAX))
    }

    /// The number of the order in its attempt and leg, from 1.
    #[must_use]
    pub fn attempt_try(self) -> u16 {
        u16::try_from(self.field(0, 13)).unwrap_or(u16::MAX)
    }

    /// The decision id of the attempt that owns this order.
    #[must_use]
    pub fn decision(self) -> ClientOrderId {
        ClientOrderId(self.0 & !0xFFFF)
    }

    /// 13 base-32 characters (Crockford's alphabet), as venues see it.
    #[must_use]
    pub fn text(self) -> Text {
        let mut bytes = [0; TEXT_MAX];
        for (place, byte) in bytes.iter_mut().take(13).enumerate() {
            let shift = 60_usize.saturating_sub(5 * place);
            let digit = usize::try_from((self.0 >> shift) & 31).unwrap_or(0);
            *byte = BASE32.get(digit).copied().unwrap_or(b'0');
        }
        Text { bytes, len: 13 }
    }

    /// Reads [`ClientOrderId::text`] back; `None` when it is not such a text.
    #[must_use]
    pub fn parse(text: &str) -> Option<ClientOrderId> {
        if text.len() != 13 {
            return None;
        }
        let mut bits: u64 = 0;
        for (place, byte) in text.bytes().enumerate() {
            let digit = BASE32.iter().position(|known| *known == byte)?;
            if place == 0 && digit > 15 {
                return None;
            }
            bits = (bits << 5) | u64::try_from(digit).ok()?;
        }
        Some(ClientOrderId(bits))
    }
}

impl fmt::Display for ClientOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_one_line_in_any_language() {
        let most = "字".repeat(40);
        for text in ["desk", "Li Lei 李雷", "电话确认, order 7", "%s {}", most.as_str()] {
            assert_eq!(Note::new(text).unwrap().as_str(), text);
        }
        assert_eq!(Note::new(" "), Err(NoteError::Empty));
        let long = "x".repeat(121);
        assert_eq!(Note::new(&long), Err(NoteError::TooLong { bytes: 121 }));
        for found in ['\n', '\r', '\0', '\u{1b}', '\u{85}', '\u{200b}', '\u{202e}', '\u{2028}'] {
            let text = format!("李{found}");
            assert_eq!(Note::new(&text), Err(NoteError::Character { at: 3, found }));
        }
    }

    #[test]
    fn client_order_id_keeps_its_parts() {
        let id = ClientOrderId::pack(200, RUN_MAX, HedgeId(1023), ATTEMPT_MAX, LegId(7), TRY_MAX)
            .unwrap();
        assert_eq!(id.engine(), 200);
        assert_eq!(id.run(), RUN_MAX);
        assert_eq!(id.hedge(), HedgeId(1023));
        assert_eq!(id.attempt(), ATTEMPT_MAX);
        assert_eq!((id.leg(), id.attempt_try()), (LegId(7), TRY_MAX));
        assert_eq!(ClientOrderId::parse(id.text().as_str()), Some(id));
        assert_eq!(id.decision().leg(), LegId(0));
        assert_eq!(id.decision().attempt(), id.attempt());
        assert!(ClientOrderId::pack(1, RUN_MAX + 1, HedgeId(0), 0, LegId(0), 0).is_none());
        assert!(ClientOrderId::pack(1, 0, HedgeId(1024), 0, LegId(0), 0).is_none());
        assert!(ClientOrderId::pack(1, 0, HedgeId(0), ATTEMPT_MAX + 1, LegId(0), 0).is_none());
        assert!(ClientOrderId::pack(1, 0, HedgeId(0), 0, LegId(8), 0).is_none());
        assert!(ClientOrderId::pack(1, 0, HedgeId(0), 0, LegId(0), TRY_MAX + 1).is_none());
    }

    #[test]
    fn client_order_id_refuses_foreign_text() {
        for text in ["", "0000000000000", "ZZZZZZZZZZZZZ", "000000000000u", "00000000000000"] {
            assert_eq!(ClientOrderId::parse(text).is_some(), text == "0000000000000", "{text:?}");
        }
    }

    #[test]
    fn text_refuses_what_could_be_mistaken() {
        assert_eq!(Text::new(""), Err(TextError::Empty));
        assert_eq!(Text::new(&"x".repeat(41)), Err(TextError::TooLong { bytes: 41 }));
        assert_eq!(Text::new("a b"), Err(TextError::Byte { at: 1, found: b' ' }));
        assert_eq!(Text::new("a\n"), Err(TextError::Byte { at: 1, found: b'\n' }));
        assert!(matches!(Text::new("ВTC"), Err(TextError::Byte { at: 0, .. })));
        assert_eq!(Text::new("T-1").unwrap().as_str(), "T-1");
    }
}
