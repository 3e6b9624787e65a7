//! A request that is sent again because its reply was lost: for some minutes it gets the same answer, in the same hands only.

use super::time::{Span, Timestamp};

/// How long the answer to a completed request is given again.
pub const REPEATABLE: Span = Span::minutes(10);

/// Whether a request that was completed at this time is still answered in the same way.
#[must_use]
pub fn is_repeatable(completed_at: Timestamp, now: Timestamp) -> bool {
    now < completed_at + REPEATABLE
}
