//! A log that a test reads.

use std::io::Write;
use std::sync::{Arc, Mutex};

/// What was logged since it was last taken; clones share it.
#[derive(Debug, Clone, Default)]
pub struct LogLines(Arc<Mutex<Vec<u8>>>);

impl LogLines {
    /// Takes what is there.
    ///
    /// # Panics
    /// When it is not UTF-8, or a test panicked in the middle of a line.
    #[must_use]
    pub fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().expect("whole lines"))).expect("UTF-8")
    }
}

impl Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("whole lines").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
