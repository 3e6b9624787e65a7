//! The retention job: who runs it, where it stands, and what one period came to (security 132, 140).
//!
//! 1. A tick names its period: the time up to which due work is done. A period that was finished is answered from its summary.
//! 2. One holder runs it, under a lease that each checkpoint renews; a tick that meets another's lease leaves it alone. The lease of
//!    a holder that died runs out, and whoever comes next goes on from the checkpoint, in the period that was begun.
//! 3. The walk goes by day, shard and account. What is stuck keeps its day: the next period begins there again.

use super::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// Over how many partitions a day's due work is spread.
pub const DUE_SHARDS: u8 = 16;
/// How long a holder may be silent before another takes its place.
pub const LEASE: Span = Span::minutes(5);
/// How far before its own day the next period begins: a clock that was behind put its work on the day before.
pub const OVERLAP: Span = Span::days(1);
/// How many stuck items a summary names; all are counted.
pub const MAX_NAMED_STUCK: usize = 20;

/// The state of the job: one item of the tenant, versioned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionJob {
    /// The first day that may hold work which is not done.
    pub from: Timestamp,
    /// The run that is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// The last period that was finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Finished>,
    /// The version of this state.
    pub version: u64,
}

/// A period under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Work that is due by then is done.
    pub period: Timestamp,
    /// Who runs it: a random name.
    pub holder: String,
    /// Until when nobody else does.
    pub lease_until: Timestamp,
    /// Where it stands.
    pub cursor: Cursor,
    /// What was done so far.
    pub done: Outcomes,
    /// The first day with something stuck.
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
    /// The id of what was handled last in the shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What a walk came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    /// By number.
    pub counts: Counts,
    /// The first ones that are stuck; at most [`MAX_NAMED_STUCK`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stuck: Vec<Stuck>,
}

/// Erasures by what came of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Looked at.
    pub due: u64,
    /// Carried out.
    pub erased: u64,
    /// Put off for a legal hold.
    pub deferred: u64,
    /// Not due any more.
    pub skipped: u64,
    /// Not done: tried again in the next period.
    pub stuck: u64,
}

/// An item that could not be handled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// Its id: an account's, or whatever its key says.
    pub id: String,
    /// By which rule it was due.
    pub rule: Rule,
    /// Why: nothing of what it holds.
    pub reason: String,
}

/// The rules by which something becomes due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A closed account's grace is over.
    Erasure,
}

/// A period that was finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// Which.
    pub period: Timestamp,
    /// When.
    pub at: Timestamp,
    /// What it came to.
    pub done: Outcomes,
}

/// Whether a tick runs the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It does, once this state stands.
    Run(RetentionJob),
    /// Somebody else does.
    Held {
        /// Until then, at most.
        until: Timestamp,
    },
    /// Its period was finished before.
    Finished(Finished),
}

impl Outcomes {
    /// These and those.
    pub fn add(&mut self, other: Self) {
        let Counts { due, erased, deferred, skipped, stuck } = other.counts;
        self.counts.due += due;
        self.counts.erased += erased;
        self.counts.deferred += deferred;
        self.counts.skipped += skipped;
        self.counts.stuck += stuck;
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
    /// The next place: after this id of the shard when there may be more, else the next shard, or the next day's first; `None` past
    /// the day of `end`.
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
    /// The job before it ever ran: nothing is due before the tenant's first day.
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
            // As it was begun: with a later period the shards behind it would have to be walked again.
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

    /// The state after a page: what it came to, where to go on (`None`: the walk is at its end), by a holder whose lease goes on.
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

    /// The state of a holder that stops before its deadline: whoever comes next goes on at once.
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
        assert_eq!(job.claim(NOW, "b", NOW), Claim::Held { until: NOW + LEASE }, "an overlapping tick");
        assert_eq!(job.claim(NOW + DAY, "b", NOW + LEASE - Span::millis(1)), Claim::Held { until: NOW + LEASE });
        let done = job.checkpoint(&mine, page(0), None, NOW);
        for late in [NOW, NOW - DAY] {
            assert_eq!(done.claim(late, "b", NOW + DAY), Claim::Finished(done.last.clone().unwrap()), "duplicate or late");
        }
        assert!(matches!(done.claim(NOW + Span::millis(1), "b", NOW + DAY), Claim::Run(_)), "the next period");
    }

    #[test]
    fn security_140_who_takes_over_goes_on_from_the_checkpoint_in_the_period_that_was_begun() {
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
        assert_eq!(taken.version, job.version + 1, "the holder that was late meets this version");
        let (_, at_once) = run(job.release(NOW).claim(NOW, "b", NOW));
        assert_eq!(Some(at_once.cursor), there, "who stopped before its deadline is followed at once");
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
    fn what_is_stuck_keeps_its_day_and_yesterday_is_looked_at_again() {
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
        assert_eq!((last.done.counts.stuck, last.done.stuck.len()), (31, MAX_NAMED_STUCK), "all are counted, some are named");
        let young = RetentionJob::new(NOW);
        let (young, mine) = run(young.claim(NOW, "a", NOW));
        assert_eq!(young.checkpoint(&mine, page(0), None, NOW).from, NOW.start_of_day(), "never before the first day");
    }
}
