//! A log that a test reads.

use std::io::Write;
use std::sync::{Arc, Mutex, Once};

use latchkey::runtime::json_lines;
use tracing::subscriber::{DefaultGuard, set_default, set_global_default};

/// What was logged since it was last taken; clones share it.
#[derive(Debug, Clone, Default)]
pub struct LogLines(Arc<Mutex<Vec<u8>>>);

impl LogLines {
    /// What this thread logs from now on, until the guard is dropped. For a test to begin with: what a request on another thread
    /// meets while nobody listens there, `tracing` may take for what nobody wants here either, so from the first call on
    /// somebody listens everywhere.
    ///
    /// # Panics
    /// When something else listens to the whole process.
    #[must_use]
    pub fn of_this_thread() -> (Self, DefaultGuard) {
        static EVERYWHERE: Once = Once::new();
        EVERYWHERE.call_once(|| set_global_default(json_lines(std::io::sink)).expect("nobody else listens"));
        let lines = Self::default();
        let writer = lines.clone();
        (lines, set_default(json_lines(move || writer.clone())))
    }

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
