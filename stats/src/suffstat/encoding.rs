//! Reading and writing the canonical bytes of a statistic.
//!
//! All numbers are little-endian and of fixed width. The first byte names the statistic and the version of its layout,
//! so that bytes of one kind are never read as another. Bytes may come from a file or another machine: the reader checks
//! every length before it takes anything, and refuses bytes that are left over.

use super::Error;

/// Takes numbers from untrusted bytes, front to back.
pub(super) struct Reader<'a> {
    statistic: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts reading `statistic`, whose first byte must be `tag`.
    pub(super) fn new(statistic: &'static str, tag: u8, bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader { statistic, rest: bytes };
        let [found] = reader.take("the tag")?;
        if found != tag {
            return Err(reader.refuse(format!("the first byte is {found}, not {tag}")));
        }
        Ok(reader)
    }

    /// An error that names the statistic being read.
    pub(super) fn refuse(&self, reason: impl Into<String>) -> Error {
        Error::Encoding { statistic: self.statistic, reason: reason.into() }
    }

    fn take<const N: usize>(&mut self, what: &str) -> Result<[u8; N], Error> {
        let Some((head, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.refuse(format!("{what} needs {N} bytes, {} are left", self.rest.len())));
        };
        self.rest = rest;
        Ok(*head)
    }

    /// Takes a slice whose length stands before it as a `u32`.
    pub(super) fn block(&mut self, what: &str) -> Result<&'a [u8], Error> {
        let length = self.u32(what)? as usize;
        let Some((head, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.refuse(format!("{what} needs {length} bytes, {} are left", self.rest.len())));
        };
        self.rest = rest;
        Ok(head)
    }

    pub(super) fn u8(&mut self, what: &str) -> Result<u8, Error> {
        self.take(what).map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self, what: &str) -> Result<u16, Error> {
        self.take(what).map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32, Error> {
        self.take(what).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64, Error> {
        self.take(what).map(u64::from_le_bytes)
    }

    pub(super) fn f64(&mut self, what: &str) -> Result<f64, Error> {
        self.take(what).map(f64::from_le_bytes)
    }

    /// Ends reading; bytes left over are an error.
    pub(super) fn finish(self) -> Result<(), Error> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(self.refuse(format!("{} bytes are left over", self.rest.len())))
    }
}

/// Appends a slice with its length before it, as [`Reader::block`] takes it.
pub(super) fn write_block(bytes: &mut Vec<u8>, block: &[u8]) {
    // A block is one exact sum, at most a few hundred bytes.
    bytes.extend_from_slice(&(block.len() as u32).to_le_bytes());
    bytes.extend_from_slice(block);
}
