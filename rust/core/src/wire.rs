//! Canonical little-endian bytes: the state digest, the journal and the header are made of them.
//!
//! Every number has one width and one byte order, every string one length prefix, so that equal
//! values are equal bytes on every machine.

/// Why bytes could not be read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// The bytes end before the value does.
    Short {
        /// Offset at which more bytes were wanted.
        at: usize,
        /// Bytes wanted there.
        wanted: usize,
    },
    /// A code that no version of this library has written.
    Code {
        /// Offset of the code.
        at: usize,
        /// The code found.
        found: u8,
    },
    /// A value outside the range of its type.
    Range {
        /// Offset of the value.
        at: usize,
    },
    /// Bytes are left after the value.
    Trailing {
        /// Offset of the first byte too many.
        at: usize,
    },
}

/// Appends values in their canonical form.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty writer.
    #[must_use]
    pub fn new() -> Writer {
        Writer::default()
    }

    /// A writer that owns `bytes`, emptied: lets a buffer be re-used without allocating.
    #[must_use]
    pub fn reuse(mut bytes: Vec<u8>) -> Writer {
        bytes.clear();
        Writer { bytes }
    }

    /// The bytes written so far.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes written so far, to be patched in place.
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Forgets all but the last `count` bytes and keeps its memory.
    pub fn keep_last(&mut self, count: usize) {
        let from = self.bytes.len().saturating_sub(count);
        self.bytes.copy_within(from.., 0);
        self.bytes.truncate(count);
    }

    /// The bytes written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Empties the writer and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// One byte, 0 or 1.
    pub fn bool(&mut self, value: bool) {
        self.bytes.push(u8::from(value));
    }

    /// Two bytes.
    pub fn u16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Eight bytes, two's complement.
    pub fn i64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Sixteen bytes, two's complement.
    pub fn i128(&mut self, value: i128) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// A length as eight bytes.
    pub fn len(&mut self, value: usize) {
        // A usize has at most 64 bits on every target this library builds for.
        self.u64(u64::try_from(value).unwrap_or(u64::MAX));
    }

    /// Bytes as they are, without a length.
    pub fn raw(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
    }

    /// A length and that many bytes.
    pub fn bytes(&mut self, value: &[u8]) {
        self.len(value.len());
        self.raw(value);
    }

    /// An optional `i64`: a presence byte, then the value if there is one.
    pub fn option_i64(&mut self, value: Option<i64>) {
        match value {
            Some(inner) => {
                self.u8(1);
                self.i64(inner);
            }
            None => self.u8(0),
        }
    }
}

/// Reads values back in the order in which they were written.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0 }
    }

    /// Offset of the next byte.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Bytes not read yet.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// [`WireError::Short`] when fewer are left.
    pub fn raw(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let end = self.at.checked_add(count);
        match end.and_then(|end| self.bytes.get(self.at..end).map(|slice| (end, slice))) {
            Some((end, slice)) => {
                self.at = end;
                Ok(slice)
            }
            None => Err(WireError::Short { at: self.at, wanted: count }),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let at = self.at;
        self.raw(N)?.try_into().map_err(|_| WireError::Short { at, wanted: N })
    }

    /// One byte.
    ///
    /// # Errors
    /// [`WireError::Short`] at the end of the bytes.
    pub fn u8(&mut self) -> Result<u8, WireError> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    /// One byte, 0 or 1.
    ///
    /// # Errors
    /// [`WireError::Short`] at the end, [`WireError::Code`] for any other byte.
    pub fn bool(&mut self) -> Result<bool, WireError> {
        let at = self.at;
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            found => Err(WireError::Code { at, found }),
        }
    }

    /// Two bytes.
    ///
    /// # Errors
    /// [`WireError::Short`] at the end of the bytes.
    pub fn u16(&mut self) -> Result<u16, WireError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// Four bytes.
    ///
    /// # Errors
    /// [`WireError::Short`] at the end of the bytes.
    pub fn u32(&mut self) -> Result<u32, WireError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Eight bytes.
    ///
    /// # Errors
    /// [`WireError::Short`] at the end of the bytes.
    pub fn u64(&mut self) -> Result<u64, WireError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Eight bytes, two's complement.
    ///
    /// # Errors
    /// [`WireError::Short`] at the end of the bytes.
    pub fn i64(&mut self) -> Result<i64, WireError> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    /// Sixteen bytes, two's complement.
    ///
    /// # Errors
    /// [`WireError::Short`] at the end of the bytes.
    pub fn i128(&mut self) -> Result<i128, WireError> {
        Ok(i128::from_le_bytes(self.array()?))
    }

    /// A length; refused when more than the bytes that are left, so that no length can allocate.
    ///
    /// # Errors
    /// [`WireError::Short`] at the end, [`WireError::Range`] for a length beyond the end.
    #[expect(clippy::len_without_is_empty, reason = "reads a length, it is not one")]
    pub fn len(&mut self) -> Result<usize, WireError> {
        let at = self.at;
        let value = usize::try_from(self.u64()?).map_err(|_| WireError::Range { at })?;
        if value > self.remaining() { Err(WireError::Range { at }) } else { Ok(value) }
    }

    /// A length and that many bytes.
    ///
    /// # Errors
    /// [`WireError::Short`] at the end, [`WireError::Range`] for a length beyond the end.
    pub fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        let count = self.len()?;
        self.raw(count)
    }

    /// An optional `i64`.
    ///
    /// # Errors
    /// As [`Reader::bool`] and [`Reader::i64`].
    pub fn option_i64(&mut self) -> Result<Option<i64>, WireError> {
        if self.bool()? { Ok(Some(self.i64()?)) } else { Ok(None) }
    }

    /// Proves that nothing is left.
    ///
    /// # Errors
    /// [`WireError::Trailing`] when bytes are left.
    pub fn finish(&self) -> Result<(), WireError> {
        if self.remaining() == 0 { Ok(()) } else { Err(WireError::Trailing { at: self.at }) }
    }
}
