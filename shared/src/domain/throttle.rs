//! A token bucket for each caller: slows one caller down without a stored counter.
//!
//! It lives in the memory of one sandbox, so it limits a caller per sandbox, not in total. Exact limits are counted in the store.
//! Keys are keyed hashes: it holds no address.

use super::time::{Span, Timestamp};
use std::collections::HashMap;

/// Buckets by caller.
#[derive(Debug)]
pub struct Throttle {
    burst: i64,
    refill: Span,
    buckets: HashMap<String, Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    permits: i64,
    counted_from: Timestamp,
}

/// Maximum number of callers in memory: a few hundred kilobytes.
const MAX_CALLERS: usize = 4096;

impl Throttle {
    /// Buckets with `burst` permits that gain one permit every `refill`.
    #[must_use]
    pub fn new(burst: i64, refill: Span) -> Self {
        Self { burst, refill, buckets: HashMap::new() }
    }

    /// Takes one permit of this caller.
    ///
    /// # Errors
    /// If there is none: the time until the next permit.
    pub fn take(&mut self, caller: &str, now: Timestamp) -> Result<(), Span> {
        let fresh = Bucket { permits: self.burst, counted_from: now };
        let mut bucket = self.buckets.get(caller).map_or(fresh, |bucket| self.refilled(*bucket, now));
        if bucket.permits == 0 {
            return Err(Span::millis(self.refill.as_millis() - now.since(bucket.counted_from).as_millis()));
        }
        bucket.permits -= 1;
        self.make_room(now);
        self.buckets.insert(caller.to_owned(), bucket);
        Ok(())
    }

    fn refilled(&self, bucket: Bucket, now: Timestamp) -> Bucket {
        let earned = now.since(bucket.counted_from).as_millis() / self.refill.as_millis().max(1);
        if bucket.permits + earned >= self.burst {
            return Bucket { permits: self.burst, counted_from: now };
        }
        let counted_from = bucket.counted_from + Span::millis(earned * self.refill.as_millis());
        Bucket { permits: bucket.permits + earned, counted_from }
    }

    /// Removes callers with a full bucket. If those are too few, it removes the callers with the most permits, so that memory
    /// stays bounded and the busiest callers stay throttled.
    fn make_room(&mut self, now: Timestamp) {
        if self.buckets.len() < MAX_CALLERS {
            return;
        }
        let mut kept: Vec<(String, Bucket)> = self.buckets.drain().collect();
        for (_, bucket) in &mut kept {
            *bucket = self.refilled(*bucket, now);
        }
        kept.sort_by_key(|(_, bucket)| bucket.permits);
        kept.truncate(MAX_CALLERS / 2);
        self.buckets = kept.into_iter().filter(|(_, bucket)| bucket.permits < self.burst).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Timestamp = Timestamp::from_seconds(1_000_000);

    #[test]
    fn a_caller_gets_a_burst_and_then_one_permit_per_refill() {
        let mut throttle = Throttle::new(3, Span::seconds(10));
        for _ in 0..3 {
            assert_eq!(throttle.take("a", T0), Ok(()));
        }
        assert_eq!(throttle.take("a", T0), Err(Span::seconds(10)));
        assert_eq!(throttle.take("a", T0 + Span::seconds(4)), Err(Span::seconds(6)));
        assert_eq!(throttle.take("a", T0 + Span::seconds(10)), Ok(()));
        assert_eq!(throttle.take("a", T0 + Span::seconds(11)), Err(Span::seconds(9)));
        // A long pause fills the bucket, but not beyond its size.
        for _ in 0..3 {
            assert_eq!(throttle.take("a", T0 + Span::hours(1)), Ok(()));
        }
        assert!(throttle.take("a", T0 + Span::hours(1)).is_err());
    }

    #[test]
    fn each_caller_has_its_own_permits() {
        let mut throttle = Throttle::new(1, Span::seconds(10));
        assert_eq!(throttle.take("a", T0), Ok(()));
        assert_eq!(throttle.take("b", T0), Ok(()));
        assert!(throttle.take("a", T0).is_err());
    }

    #[test]
    fn memory_is_bounded_and_the_busiest_callers_stay_throttled() {
        let mut throttle = Throttle::new(2, Span::seconds(10));
        for _ in 0..2 {
            assert_eq!(throttle.take("busy", T0), Ok(()));
        }
        for caller in 0..3 * MAX_CALLERS {
            assert_eq!(throttle.take(&caller.to_string(), T0), Ok(()));
        }
        assert!(throttle.buckets.len() <= MAX_CALLERS);
        assert!(throttle.take("busy", T0).is_err());
    }
}
