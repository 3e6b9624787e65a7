//! Changes that count what a source causes.

use crate::domain::change::{Change, Counter, CounterKey};
use crate::domain::time::Timestamp;

impl Change {
    /// A source failed, or caused a mail. It is refused at the limit.
    pub fn count_source(source: [u8; 32], limit: u32, at: Timestamp) -> Self {
        Self::count(Counter { key: CounterKey::Source(source), at, limit })
    }
}
