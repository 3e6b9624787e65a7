//! Limits per source: how many failures and mails one network address, device or client may cause.
//!
//! 1. Each instance of a function keeps a token bucket per source in its memory. It costs nothing, and limits one instance.
//! 2. Failures and mails are also counted in the store, per source and ten minutes. An instance reads this counter only while it has itself
//!    seen a failure or a mail of the source, so a good request of a quiet source costs no unit.
//! 3. A permit is taken before the request is evaluated, and is given back if the request neither failed nor sent a mail. So parallel
//!    requests cannot outrun the bucket.
//!
//! No counter covers a whole tenant: one hot key would stop every user (decision 35).

use super::time::{Span, Timestamp};
use std::collections::HashMap;

/// The period of the shared counter.
pub const WINDOW: Span = Span::minutes(10);

/// Maximum number of sources in memory: about a megabyte.
const MAX_SOURCES: usize = 4096;

/// What a source can cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceEvent {
    /// A secret was presented and was wrong.
    Failure,
    /// A mail to an address that the caller typed.
    Mail,
}

/// How strict a tenant limits sources: `limits.sources` in its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SourcePolicy {
    /// No limits per source. Something in front of the service has them.
    Off,
    /// The default.
    #[default]
    Normal,
    /// During an attack from many sources: a sixth of the default, and the shared counter is always read.
    Strict,
}

/// The limits of one kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceLimits {
    /// Permits of a full bucket in one instance.
    pub burst: u32,
    /// A used permit comes back after this time.
    pub refill: Span,
    /// The shared limit of a window, over all instances.
    pub shared: u32,
    /// Whether the shared counter is read for a source that this instance has not seen.
    pub always_shared: bool,
}

impl SourcePolicy {
    /// The limits of this kind of event. `None` if there are none.
    #[must_use]
    pub const fn limits(self, event: SourceEvent) -> Option<SourceLimits> {
        let (burst, refill, shared) = match (self, event) {
            (Self::Off, _) => return None,
            (Self::Normal, SourceEvent::Failure) => (30, Span::seconds(10), 60),
            // An office or a school registers from one address.
            (Self::Normal, SourceEvent::Mail) => (60, Span::seconds(5), 120),
            (Self::Strict, SourceEvent::Failure) => (5, Span::minutes(1), 10),
            (Self::Strict, SourceEvent::Mail) => (10, Span::seconds(30), 20),
        };
        Some(SourceLimits { burst, refill, shared, always_shared: matches!(self, Self::Strict) })
    }
}

/// The start of the window that contains this time.
#[must_use]
pub fn window_of(now: Timestamp) -> Timestamp {
    let millis = WINDOW.as_millis();
    Timestamp::from_millis(now.millis().div_euclid(millis) * millis)
}

/// The buckets of one instance. Keys are keyed hashes: it holds no address.
#[derive(Debug, Default)]
pub struct SourceBuckets {
    buckets: HashMap<String, Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    used: u32,
    /// Requests that hold a permit and are not concluded.
    in_flight: u32,
    counted_from: Timestamp,
    /// Until then the shared counter is read.
    active_until: Timestamp,
    /// Until then the shared limit is reached.
    closed_until: Timestamp,
}

/// A permit was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// This instance has seen no event of the source in the last window.
    Quiet,
    /// It has: the shared counter decides, too.
    Active,
}

/// Why there is no permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPermit {
    /// A request in flight holds one: it may give it back.
    InFlight,
    /// The source must wait this long.
    Wait(Span),
}

impl SourceBuckets {
    /// Takes a permit. The caller concludes the request with [`Self::settle`].
    ///
    /// # Errors
    /// If there is none.
    pub fn take(&mut self, key: &str, limits: SourceLimits, now: Timestamp) -> Result<Admitted, NoPermit> {
        let mut bucket = self.bucket(key, limits, now);
        if bucket.closed_until > now {
            return Err(NoPermit::Wait(bucket.closed_until.since(now)));
        }
        if bucket.used >= limits.burst {
            let wait = Span::millis(limits.refill.as_millis() - now.since(bucket.counted_from).as_millis());
            return Err(if bucket.in_flight > 0 { NoPermit::InFlight } else { NoPermit::Wait(wait) });
        }
        bucket.used += 1;
        bucket.in_flight += 1;
        self.make_room(now);
        self.buckets.insert(key.to_owned(), bucket);
        Ok(if bucket.active_until > now { Admitted::Active } else { Admitted::Quiet })
    }

    /// Gives a permit back: the request caused no event.
    pub fn give_back(&mut self, key: &str) {
        if let Some(bucket) = self.buckets.get_mut(key) {
            bucket.used = bucket.used.saturating_sub(1);
        }
    }

    /// The request with a permit is concluded, or was dropped. A permit that is not given back comes back with time.
    pub fn settle(&mut self, key: &str) {
        if let Some(bucket) = self.buckets.get_mut(key) {
            bucket.in_flight = bucket.in_flight.saturating_sub(1);
        }
    }

    /// Records that the request with a permit caused an event.
    pub fn record(&mut self, key: &str, now: Timestamp) {
        let fresh = Bucket { used: 1, in_flight: 0, counted_from: now, active_until: now, closed_until: now };
        self.buckets.entry(key.to_owned()).or_insert(fresh).active_until = now + WINDOW;
    }

    /// Records that the shared limit of this window is reached, so that it need not be read again. Returns how long to wait.
    pub fn close(&mut self, key: &str, now: Timestamp) -> Span {
        let until = window_of(now) + WINDOW;
        if let Some(bucket) = self.buckets.get_mut(key) {
            bucket.closed_until = until;
        }
        until.since(now)
    }

    fn bucket(&self, key: &str, limits: SourceLimits, now: Timestamp) -> Bucket {
        let fresh = Bucket { used: 0, in_flight: 0, counted_from: now, active_until: now, closed_until: now };
        let Some(known) = self.buckets.get(key).copied() else { return fresh };
        let earned = now.since(known.counted_from).as_millis() / limits.refill.as_millis().max(1);
        let earned = u32::try_from(earned.max(0)).unwrap_or(u32::MAX);
        if earned >= known.used {
            return Bucket { used: 0, counted_from: now, ..known };
        }
        let counted_from = known.counted_from + Span::millis(i64::from(earned) * limits.refill.as_millis());
        Bucket { used: known.used - earned, counted_from, ..known }
    }

    /// Removes sources that were quiet for a window. If those are too few, it removes the least used ones, so that memory stays bounded and
    /// the busiest sources stay limited.
    fn make_room(&mut self, now: Timestamp) {
        if self.buckets.len() < MAX_SOURCES {
            return;
        }
        self.buckets.retain(|_, bucket| bucket.active_until > now || bucket.closed_until > now);
        if self.buckets.len() < MAX_SOURCES {
            return;
        }
        let mut kept: Vec<(String, Bucket)> = self.buckets.drain().collect();
        kept.sort_by_key(|(_, bucket)| std::cmp::Reverse((bucket.closed_until, bucket.used)));
        kept.truncate(MAX_SOURCES / 2);
        self.buckets = kept.into_iter().collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Timestamp = Timestamp::from_seconds(1_000_200);
    const LIMITS: SourceLimits = SourceLimits { burst: 3, refill: Span::seconds(10), shared: 5, always_shared: false };

    /// A request that is concluded at once.
    fn take(buckets: &mut SourceBuckets, key: &str, limits: SourceLimits, now: Timestamp) -> Result<Admitted, NoPermit> {
        let taken = buckets.take(key, limits, now);
        if taken.is_ok() {
            buckets.settle(key);
        }
        taken
    }

    fn wait(span: Span) -> Result<Admitted, NoPermit> {
        Err(NoPermit::Wait(span))
    }

    #[test]
    fn a_request_waits_for_a_permit_that_another_one_in_flight_may_give_back() {
        let mut buckets = SourceBuckets::default();
        for _ in 0..3 {
            assert!(buckets.take("a", LIMITS, T0).is_ok());
        }
        assert_eq!(buckets.take("a", LIMITS, T0), Err(NoPermit::InFlight));
        buckets.give_back("a");
        buckets.settle("a");
        assert!(buckets.take("a", LIMITS, T0).is_ok(), "one caused no event");
        for _ in 0..3 {
            buckets.settle("a");
        }
        assert_eq!(buckets.take("a", LIMITS, T0), wait(Span::seconds(10)), "three did");
    }

    #[test]
    fn security_147_a_source_gets_a_burst_and_then_one_permit_per_refill() {
        let mut buckets = SourceBuckets::default();
        for _ in 0..3 {
            assert_eq!(take(&mut buckets, "a", LIMITS, T0), Ok(Admitted::Quiet));
        }
        assert_eq!(take(&mut buckets, "a", LIMITS, T0), wait(Span::seconds(10)));
        assert_eq!(take(&mut buckets, "b", LIMITS, T0), Ok(Admitted::Quiet), "each source has its own permits");
        assert_eq!(take(&mut buckets, "a", LIMITS, T0 + Span::seconds(4)), wait(Span::seconds(6)));
        assert!(take(&mut buckets, "a", LIMITS, T0 + Span::seconds(10)).is_ok());
        assert_eq!(take(&mut buckets, "a", LIMITS, T0 + Span::seconds(11)), wait(Span::seconds(9)));
        for _ in 0..3 {
            assert!(take(&mut buckets, "a", LIMITS, T0 + Span::hours(1)).is_ok(), "a long pause fills the bucket");
        }
        assert!(take(&mut buckets, "a", LIMITS, T0 + Span::hours(1)).is_err(), "but not beyond its size");
    }

    #[test]
    fn security_147_a_request_without_an_event_uses_no_permit_and_reads_no_counter() {
        let mut buckets = SourceBuckets::default();
        for _ in 0..100 {
            assert_eq!(take(&mut buckets, "a", LIMITS, T0), Ok(Admitted::Quiet));
            buckets.give_back("a");
        }
        assert_eq!(take(&mut buckets, "a", LIMITS, T0), Ok(Admitted::Quiet));
        buckets.record("a", T0);
        assert_eq!(take(&mut buckets, "a", LIMITS, T0 + Span::minutes(9)), Ok(Admitted::Active));
        assert_eq!(take(&mut buckets, "a", LIMITS, T0 + Span::minutes(11)), Ok(Admitted::Quiet), "the event is over");
    }

    #[test]
    fn security_147_a_reached_shared_limit_closes_the_source_until_the_window_ends() {
        let mut buckets = SourceBuckets::default();
        let now = window_of(T0) + Span::minutes(4);
        assert!(take(&mut buckets, "a", LIMITS, now).is_ok());
        assert_eq!(buckets.close("a", now), Span::minutes(6));
        buckets.give_back("a");
        assert_eq!(take(&mut buckets, "a", LIMITS, now + Span::minutes(1)), wait(Span::minutes(5)));
        assert!(take(&mut buckets, "a", LIMITS, now + Span::minutes(6)).is_ok());
    }

    #[test]
    fn memory_is_bounded_and_the_busiest_sources_stay_limited() {
        let mut buckets = SourceBuckets::default();
        for _ in 0..3 {
            assert!(take(&mut buckets, "busy", LIMITS, T0).is_ok());
            buckets.record("busy", T0);
        }
        for source in 0..3 * MAX_SOURCES {
            let key = source.to_string();
            assert!(take(&mut buckets, &key, LIMITS, T0).is_ok());
            buckets.record(&key, T0);
        }
        assert!(buckets.buckets.len() <= MAX_SOURCES);
        assert!(take(&mut buckets, "busy", LIMITS, T0).is_err());
    }

    #[test]
    fn a_strict_policy_allows_a_sixth_and_no_policy_has_no_limit() {
        for event in [SourceEvent::Failure, SourceEvent::Mail] {
            let (normal, strict) = (SourcePolicy::Normal.limits(event).unwrap(), SourcePolicy::Strict.limits(event).unwrap());
            assert_eq!((normal.burst, normal.shared), (strict.burst * 6, strict.shared * 6));
            assert!(strict.always_shared && !normal.always_shared);
            assert_eq!(SourcePolicy::Off.limits(event), None);
        }
    }
}
