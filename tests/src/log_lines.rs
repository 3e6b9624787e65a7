//! A log that a test reads.

use std::io::Write;
use std::sync::{Arc, Mutex, Once};

use latchkey::runtime::json_lines;
use tracing::subscriber::{DefaultGuard, set_default, set_global_default};

/// The lines logged since the last call of `take`. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct LogLines(Arc<Mutex<Vec<u8>>>);

impl LogLines {
    /// Collects the log of this thread until the guard is dropped. Call it first in a test: `tracing` caches whether a call site
    /// has a listener, and a request on another thread without a listener would switch the call site off for this thread too.
    /// Therefore the first call installs a listener for the whole process.
    ///
    /// # Panics
    /// Panics if another global listener is installed.
    #[must_use]
    pub fn of_this_thread() -> (Self, DefaultGuard) {
        static GLOBAL_LISTENER: Once = Once::new();
        GLOBAL_LISTENER.call_once(|| set_global_default(json_lines(std::io::sink)).expect("no other global listener"));
        let lines = Self::default();
        let writer = lines.clone();
        (lines, set_default(json_lines(move || writer.clone())))
    }

    /// Returns and clears the collected lines.
    ///
    /// # Panics
    /// Panics if the log is not UTF-8, or if a test panicked while it wrote a line.
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
