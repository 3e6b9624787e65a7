//! The retention job: which process runs it, how far it is, and the result of each period (security 132, 140).
//!
//! 1. A tick names its period: the time up to which due work is done. A tick for a finished period returns the stored summary.
//! 2. One holder runs the job, under a lease that each checkpoint renews. A tick that meets the lease of another holder does
//!    nothing. The lease of a crashed holder expires; the next tick then continues from the checkpoint, in the same period.
//! 3. The walk goes by day, shard and account. A stuck item keeps its day: the next period starts again at that day.

use super::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// Number of partitions of a day's due work.
pub const DUE_SHARDS: u8 = 16;
/// After how much silence another process may take over from the holder.
pub const LEASE: Span = Span::minutes(5);
/// How far before its own day the next period starts: a clock that was behind may have stored work under the day before.
pub const OVERLAP: Span = Span::days(1);
/// Maximum number of stuck items that a summary names. All of them are counted.
pub const MAX_NAMED_STUCK: usize = 20;

/// The state of the job: one item of the tenant, versioned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionJob {
    /// The first day that may have unfinished work.
    pub from: Timestamp,
    /// The current run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// The last finished period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Finished>,
    /// The version of this state.
    pub version: u64,
}

/// A period in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Work due up to this time is done.
    pub period: Timestamp,
    /// The process that runs it: a random name.
    pub holder: String,
    /// Until when no other process runs it.
    pub lease_until: Timestamp,
    /// How far the walk is.
    pub cursor: Cursor,
    /// The results so far.
    pub done: Outcomes,
    /// The first day with a stuck item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stuck_from: Option<Timestamp>,
}

/// A place in the walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The day (its first moment, UTC).
    pub day: Timestamp,
    /// The shard of the day.
    pub shard: u8,
    /// The id of the last item that was processed in the shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The results of a walk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    /// Counts by result.
    pub counts: Counts,
    /// The first stuck items; at most [`MAX_NAMED_STUCK`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stuck: Vec<Stuck>,
}

/// Erasures by result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Examined.
    pub due: u64,
    /// Completed.
    pub erased: u64,
    /// Deferred because of a legal hold.
    pub deferred: u64,
    /// No longer due.
    pub skipped: u64,
    /// Failed; retried in the next period.
    pub stuck: u64,
    /// Closed again by a replay.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub closed: u64,
    /// Restored again by a replay.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub restored: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// An item that could not be processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// Its id: an account's, or the id in its key.
    pub id: String,
    /// The rule by which it was due.
    pub rule: Rule,
    /// The reason, without any of the item's content.
    pub reason: String,
}

/// The rules by which an item becomes due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The grace period of a closed account is over.
    Erasure,
}

/// A finished period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// The period.
    pub period: Timestamp,
    /// When it was finished.
    pub at: Timestamp,
    /// Its results.
    pub done: Outcomes,
}

/// Whether a tick runs the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// This tick runs it, after this state is written.
    Run(RetentionJob),
    /// Another process runs it.
    Held {
        /// At most until then.
        until: Timestamp,
    },
    /// The period is finished already.
    Finished(Finished),
}

impl Outcomes {
    /// Adds the results of another walk.
    pub fn add(&mut self, other: Self) {
        let Counts { due, erased, deferred, skipped, stuck, closed, restored } = other.counts;
        self.counts.due += due;
        self.counts.erased += erased;
        self.counts.deferred += deferred;
        self.counts.skipped += skipped;
        self.counts.stuck += stuck;
        self.counts.closed += closed;
        self.counts.restored += restored;
        self.stuck.extend(other.stuck);
        self.stuck.truncate(MAX_NAMED_STUCK);
    }
}

impl Cursor {
    /// The beginning of a day.
    #[must_use]
    pub fn at(day: Timestamp) -> Self {
        Self { day: day.start_of_day(), shard: 0, after: None }
    }
    /// The next place: after this id of the shard if there may be more items, otherwise the next shard, or the first shard of the
    /// next day. `None` past the day of `end`.
    #[must_use]
    pub fn next(&self, more_after: Option<String>, end: Timestamp) -> Option<Self> {
        let next = match (more_after, self.shard + 1) {
            (Some(id), _) => Self { after: Some(id), ..self.clone() },
            (None, shard) if shard < DUE_SHARDS => Self { shard, after: None, ..self.clone() },
            (None, _) => Self::at(self.day + Span::days(1)),
        };
        (next.day <= end).then_some(next)
    }
}

impl RetentionJob {
    /// The job before its first run: nothing is due before the tenant's first day.
    #[must_use]
    pub fn new(first_day: Timestamp) -> Self {
        Self { from: first_day.start_of_day(), run: None, last: None, version: 0 }
    }

    /// Decides on a tick.
    #[must_use]
    pub fn claim(&self, period: Timestamp, holder: &str, now: Timestamp) -> Claim {
        if let Some(last) = self.last.as_ref().filter(|last| period <= last.period) {
            return Claim::Finished(last.clone());
        }
        let run = match &self.run {
            Some(run) if run.holder != holder && now < run.lease_until => return Claim::Held { until: run.lease_until },
            // The same period: with a later one the earlier shards would have to be walked again.
            Some(run) => run.clone(),
            None => Run {
                period,
                holder: String::new(),
                lease_until: now,
                cursor: Cursor::at(self.from),
                done: Outcomes::default(),
                stuck_from: None,
            },
        };
        let run = Run { holder: holder.to_owned(), lease_until: now + LEASE, ..run };
        Claim::Run(Self { run: Some(run), version: self.version + 1, ..self.clone() })
    }

    /// The state after a page: its results, and where to continue (`None`: the walk is complete). The holder's lease is renewed.
    #[must_use]
    pub fn checkpoint(&self, run: &Run, page: Outcomes, next: Option<Cursor>, now: Timestamp) -> Self {
        let mut run = run.clone();
        if page.counts.stuck > 0 {
            run.stuck_from = run.stuck_from.or(Some(run.cursor.day));
        }
        run.done.add(page);
        run.lease_until = now + LEASE;
        let version = self.version + 1;
        match next {
            Some(cursor) => Self { run: Some(Run { cursor, ..run }), version, ..self.clone() },
            None => {
                let overlap = (run.period - OVERLAP).start_of_day();
                let from = run.stuck_from.map_or(overlap, |stuck| stuck.min(overlap)).max(self.from);
                Self { from, run: None, last: Some(Finished { period: run.period, at: now, done: run.done }), version }
            }
        }
    }

    /// The state of a holder that stops before its deadline: the next tick continues at once.
    #[must_use]
    pub fn release(&self, now: Timestamp) -> Self {
        let run = self.run.clone().map(|run| Run { lease_until: now, ..run });
        Self { run, version: self.version + 1, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const DAY: Span = Span::days(1);

    fn run(claim: Claim) -> (RetentionJob, Run) {
        match claim {
            Claim::Run(job) => (job.clone(), job.run.unwrap()),
            other => panic!("{other:?}"),
        }
    }
    fn page(stuck: u64) -> Outcomes {
        let named = |n| Stuck { id: format!("{n}"), rule: Rule::Erasure, reason: "it does not read".to_owned() };
        let counts = Counts { due: 3 + stuck, erased: 3, stuck, ..Counts::default() };
        Outcomes { counts, stuck: (0..stuck).map(named).collect() }
    }

    #[test]
    fn security_140_one_holder_runs_a_period_once() {
        let job = RetentionJob::new(NOW - DAY);
        let (job, mine) = run(job.claim(NOW, "a", NOW));
        assert_eq!(job.claim(NOW, "b", NOW), Claim::Held { until: NOW + LEASE }, "an overlapping tick does nothing");
        assert_eq!(job.claim(NOW + DAY, "b", NOW + LEASE - Span::millis(1)), Claim::Held { until: NOW + LEASE });
        let done = job.checkpoint(&mine, page(0), None, NOW);
        for late in [NOW, NOW - DAY] {
            assert_eq!(
                done.claim(late, "b", NOW + DAY),
                Claim::Finished(done.last.clone().unwrap()),
                "a duplicate or late tick"
            );
        }
        assert!(matches!(done.claim(NOW + Span::millis(1), "b", NOW + DAY), Claim::Run(_)), "the next period runs");
    }

    #[test]
    fn security_140_the_next_holder_continues_the_same_period_from_the_checkpoint() {
        let (job, mine) = run(RetentionJob::new(NOW - DAY).claim(NOW, "a", NOW));
        let there = mine.cursor.next(Some("an account".to_owned()), NOW);
        let job = job.checkpoint(&mine, page(0), there.clone(), NOW + Span::minutes(1));
        let lapsed = NOW + Span::minutes(1) + LEASE;
        assert!(
            matches!(job.claim(NOW + DAY, "b", lapsed - Span::millis(1)), Claim::Held { .. }),
            "a checkpoint renews the lease"
        );
        let (taken, run_of_b) = run(job.claim(NOW + DAY, "b", lapsed));
        assert_eq!((run_of_b.period, Some(run_of_b.cursor), run_of_b.done.counts.erased), (NOW, there.clone(), 3));
        assert_eq!(taken.version, job.version + 1, "a late holder conflicts with this version");
        let (_, at_once) = run(job.release(NOW).claim(NOW, "b", NOW));
        assert_eq!(Some(at_once.cursor), there, "the next holder continues at once after a release");
    }

    #[test]
    fn security_132_the_walk_sees_each_shard_of_each_day_once() {
        let mut cursor = Some(Cursor::at(NOW - Span::days(2)));
        let mut seen = Vec::new();
        while let Some(at) = cursor {
            seen.push((at.day, at.shard));
            let page_two = at.next(Some("an account".to_owned()), NOW).unwrap();
            assert_eq!((page_two.day, page_two.shard), (at.day, at.shard));
            cursor = page_two.next(None, NOW);
        }
        assert_eq!(seen.len(), 3 * usize::from(DUE_SHARDS));
        assert!(seen.is_sorted() && seen.last() == Some(&(NOW.start_of_day(), DUE_SHARDS - 1)));
        assert!(seen.iter().all(|(day, _)| *day == day.start_of_day()));
    }

    #[test]
    fn a_stuck_item_keeps_its_day_and_the_next_period_starts_one_day_earlier() {
        let first = NOW - Span::days(40);
        let (job, mine) = run(RetentionJob::new(first).claim(NOW, "a", NOW));
        let clean = job.checkpoint(&mine, page(0), None, NOW);
        assert_eq!(clean.from, (NOW - DAY).start_of_day());
        let later = Cursor::at(NOW - Span::days(9));
        let job = job.checkpoint(&mine, page(0), Some(later.clone()), NOW);
        let mine = job.run.clone().unwrap();
        let job = job.checkpoint(&mine, page(30), Some(Cursor::at(NOW)), NOW);
        let mine = job.run.clone().unwrap();
        let job = job.checkpoint(&mine, page(1), None, NOW);
        assert_eq!(job.from, later.day);
        let last = job.last.unwrap();
        assert_eq!(
            (last.done.counts.stuck, last.done.stuck.len()),
            (31, MAX_NAMED_STUCK),
            "all stuck items are counted, some are named"
        );
        let young = RetentionJob::new(NOW);
        let (young, mine) = run(young.claim(NOW, "a", NOW));
        assert_eq!(
            young.checkpoint(&mine, page(0), None, NOW).from,
            NOW.start_of_day(),
            "the walk never starts before the first day"
        );
    }
}
