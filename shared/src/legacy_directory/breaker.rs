//! A circuit breaker for a failing service: closed, open for some time, half-open for one request.

use std::time::{Duration, Instant};

/// The breaker opens after this many consecutive failures.
const FAILURES: u32 = 5;
/// The first pause. Each further pause is twice as long.
const FIRST_REST: Duration = Duration::from_secs(2);
/// The longest pause.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// The state of the circuit breaker.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    rests: u32,
    closed_until: Option<Instant>,
}

impl Breaker {
    /// Admits a request, or returns the remaining time of the pause. After a pause it admits one request. The others wait for the same
    /// time again, unless this request succeeds.
    pub(super) fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        let Some(until) = self.closed_until else { return Ok(()) };
        if now < until {
            return Err(until - now);
        }
        self.closed_until = Some(now + self.rest());
        Ok(())
    }
    /// Records the result of a request.
    pub(super) fn note(&mut self, failed: bool, now: Instant) {
        if !failed {
            *self = Self::default();
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES {
            self.closed_until = Some(now + self.rest());
            self.rests = self.rests.saturating_add(1);
        }
    }
    fn rest(&self) -> Duration {
        FIRST_REST.saturating_mul(1 << self.rests.min(5)).min(LONGEST_REST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn consecutive_failures_start_pauses_of_growing_length_and_one_success_ends_them() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES {
            assert!(breaker.admit(start).is_ok());
            breaker.note(true, start);
        }
        assert_eq!(breaker.admit(start), Err(after(2)));
        assert_eq!(breaker.admit(start + after(1)), Err(after(1)));
        // One request is admitted. The others wait for its result.
        assert_eq!(breaker.admit(start + after(2)), Ok(()));
        assert!(breaker.admit(start + after(2)).is_err());
        breaker.note(true, start + after(3));
        assert_eq!(breaker.admit(start + after(3)), Err(after(4)), "twice as long");
        assert_eq!(breaker.admit(start + after(7)), Ok(()));
        breaker.note(false, start + after(7));
        for _ in 0..FAILURES - 1 {
            breaker.note(true, start + after(7));
        }
        assert_eq!(breaker.admit(start + after(7)), Ok(()), "the breaker starts from the beginning");
    }

    #[test]
    fn a_success_between_failures_keeps_the_breaker_closed() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for n in 0..100 {
            breaker.note(n % FAILURES != 0, now);
            assert!(breaker.admit(now).is_ok());
        }
    }

    #[test]
    fn no_pause_is_longer_than_a_minute() {
        let (mut breaker, mut now) = (Breaker::default(), Instant::now());
        for _ in 0..100 {
            breaker.note(true, now);
            now += LONGEST_REST;
            assert!(breaker.admit(now).is_ok());
        }
    }
}
