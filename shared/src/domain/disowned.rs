//! Spans of time with changes that a user has disowned ("this wasn't me", [`super::not_me`]).

use super::passkey::REMOVED_KEPT;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The most disowned times that a profile keeps. With more of them the oldest two become one.
const MAX_DISOWNED: usize = 5;

/// A span of time with changes that the user has disowned: from its begin, up to its end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisownedTime {
    /// The event that was reported.
    #[serde(rename = "fr")]
    pub from: Timestamp,
    /// The report.
    pub to: Timestamp,
}

impl DisownedTime {
    pub(super) fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

/// The begin of the disowned time that has this moment, or the moment itself.
#[must_use]
pub fn before_disowned(disowned: &[DisownedTime], at: Timestamp) -> Timestamp {
    disowned.iter().find(|time| time.contains(at)).map_or(at, |time| time.from)
}

/// These times, and the one from a moment until now. Times that overlap become one, and those that matter no more are dropped.
#[must_use]
pub fn with_disowned(disowned: &[DisownedTime], from: Timestamp, now: Timestamp) -> Vec<DisownedTime> {
    let mut kept: Vec<_> = disowned.iter().copied().filter(|time| now < time.to + REMOVED_KEPT).collect();
    let from = kept.iter().filter(|time| time.to > from).map(|time| time.from).fold(from, Timestamp::min);
    kept.retain(|time| time.to <= from);
    kept.push(DisownedTime { from, to: now });
    while kept.len() > MAX_DISOWNED {
        let oldest = kept.remove(0);
        if let Some(next) = kept.first_mut() {
            next.from = oldest.from.min(next.from);
        }
    }
    kept
}
