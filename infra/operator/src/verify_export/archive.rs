//! Opens the package strictly: only entries that every ZIP program reads in the same way are accepted.
//!
//! A ZIP file can show different content to different readers: duplicate names, names that differ between local and central header, content
//! in gaps. An export has none of that, so it is refused: what is verified is what users see.

use super::failure::{VerifyError, printable};
use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};
use zip::{CompressionMethod, ZipArchive};

/// The most files in a package.
const MAX_FILES: usize = 64;
/// Fixed lengths of a local header, a central header, and the end record (APPNOTE 4.3).
const LOCAL: usize = 30;
const CENTRAL: usize = 46;
const END: usize = 22;

/// The files of a package by name.
pub(super) struct Archive<'a> {
    files: BTreeMap<String, &'a [u8]>,
}

impl<'a> Archive<'a> {
    /// Opens the package.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, VerifyError> {
        let broken = |why: &str| VerifyError::NotAPackage(why.to_owned());
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|_| broken("it does not end as a ZIP file does"))?;
        if zip.len() > MAX_FILES {
            return Err(broken("it holds too many files"));
        }
        let mut files = BTreeMap::new();
        let mut expected_at = 0;
        let mut directory = 0;
        for index in 0..zip.len() {
            let mut file = zip.by_index_raw(index).map_err(|_| broken("a file in it cannot be read"))?;
            let name = file.name().map_err(|_| broken("a name in it cannot be read"))?.into_owned();
            let is_plain = file.compression() == CompressionMethod::Stored && !file.encrypted() && !name.contains(['/', '\\']);
            let (at, length) = (usize::try_from(file.header_start()), usize::try_from(file.size()));
            let (Ok(at), Ok(length)) = (at, length) else { return Err(broken("a file in it is cut off")) };
            let from = at.saturating_add(LOCAL).saturating_add(name.len());
            let same_name = bytes.get(from.saturating_sub(name.len())..from) == Some(name.as_bytes());
            if !is_plain || !same_name || at != expected_at || file.compressed_size() != file.size() {
                return Err(VerifyError::Foreign(printable(&name)));
            }
            let content = bytes.get(from..from.saturating_add(length)).ok_or_else(|| broken("a file in it is cut off"))?;
            // What other programs read must be exactly these bytes.
            let mut read = Vec::new();
            file.read_to_end(&mut read).map_err(|_| broken("a file in it is cut off"))?;
            if read != content {
                return Err(VerifyError::Foreign(printable(&name)));
            }
            expected_at = from + length;
            directory += CENTRAL + name.len();
            files.insert(name, content);
        }
        // No gaps, no overlaps, no comment: every byte is accounted for.
        if expected_at + directory + END != bytes.len() || files.len() != zip.len() {
            return Err(VerifyError::Foreign("bytes between its files".to_owned()));
        }
        Ok(Self { files })
    }
    /// Takes the content of a file out of the list.
    pub(super) fn take(&mut self, name: &str) -> Result<Vec<u8>, VerifyError> {
        self.files.remove(name).map(<[u8]>::to_vec).ok_or_else(|| VerifyError::Missing(printable(name)))
    }
    /// The names of files that were not taken.
    pub(super) fn remaining_names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }
}
