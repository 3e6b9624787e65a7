//! The context of a request: its time, its deadline, random values, and the metadata of its writes.

use crate::domain::id::{AccountId, AttemptId, FlowId, GrantId, Jti, RequestId, SessionId, Sub};
use crate::domain::secret::Secret256;
use crate::domain::time::{Span, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// The clock of all decisions. On Lambda it is the system's clock. On the local gateway it can be moved forward.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_millis: Arc<AtomicI64>,
    frozen_at: Option<Timestamp>,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }
    /// A clock for tests. Its time changes only with [`Self::advance`].
    #[must_use]
    pub fn frozen(at: Timestamp) -> Self {
        Self { offset_millis: Arc::default(), frozen_at: Some(at) }
    }
    /// The current time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where the system's clock is read")]
    pub fn now(&self) -> Timestamp {
        let base = self.frozen_at.unwrap_or_else(|| {
            let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
        });
        base + Span::millis(self.offset_millis.load(Ordering::Relaxed))
    }
    /// Moves this clock and every clone of it forward.
    pub fn advance(&self, span: Span) {
        self.offset_millis.fetch_add(span.as_millis(), Ordering::Relaxed);
    }
    /// The total time by which the clock was moved.
    #[must_use]
    pub fn offset(&self) -> Span {
        Span::millis(self.offset_millis.load(Ordering::Relaxed))
    }
}

/// Fresh random values, from the operating system through `aws-lc-rs`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Random;

impl Random {
    /// `N` random bytes.
    ///
    /// # Panics
    /// If the system's random number generator fails. No safe operation is possible then.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where randomness is read")]
    #[expect(clippy::expect_used, reason = "without randomness nothing safe can be done")]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        aws_lc_rs::rand::fill(&mut bytes).expect("the system's random number generator failed");
        bytes
    }
    /// A fresh account id.
    #[must_use]
    pub fn account_id(&self) -> AccountId {
        AccountId::from_bytes(self.bytes())
    }
    /// A fresh subject identifier.
    #[must_use]
    pub fn sub(&self) -> Sub {
        Sub::from_bytes(self.bytes())
    }
    /// A fresh session id.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        SessionId::from_bytes(self.bytes())
    }
    /// A fresh grant id.
    #[must_use]
    pub fn grant_id(&self) -> GrantId {
        GrantId::from_bytes(self.bytes())
    }
    /// A fresh id of a sign-in attempt.
    #[must_use]
    pub fn attempt_id(&self) -> AttemptId {
        AttemptId::from_bytes(self.bytes())
    }
    /// A fresh flow id.
    #[must_use]
    pub fn flow_id(&self) -> FlowId {
        FlowId::from_bytes(self.bytes())
    }
    /// A fresh `jti`.
    #[must_use]
    pub fn jti(&self) -> Jti {
        Jti::from_bytes(self.bytes())
    }
    /// 256 fresh secret bits.
    #[must_use]
    pub fn secret(&self) -> Secret256 {
        Secret256::from_bytes(self.bytes())
    }
}

/// The time by which the request must be answered, by a clock that cannot be moved. The local gateway has no deadline.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// The minimum time for a write. With less time its response may be lost, so the write is not started (security 141).
    const WRITE: Duration = Duration::from_millis(500);

    /// The deadline after this time from now.
    #[must_use]
    pub fn after(left: Duration) -> Self {
        Self(Instant::now().checked_add(left))
    }
    /// The remaining time. `None` if there is no deadline.
    #[must_use]
    pub fn left(self) -> Option<Duration> {
        self.0.map(|end| end.saturating_duration_since(Instant::now()))
    }
    /// Returns whether at least this time is left.
    #[must_use]
    pub fn leaves(self, time: Duration) -> bool {
        self.left().is_none_or(|left| left >= time)
    }
    /// Returns whether there is enough time to start a write.
    #[must_use]
    pub fn leaves_a_write(self) -> bool {
        self.leaves(Self::WRITE)
    }
}

/// The origin of a request, and the metadata of its writes.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// The request id, given by the host.
    pub request_id: RequestId,
    /// The time of the request. It is read once.
    pub now: Timestamp,
    /// The number of the attempt: 1 first, higher after a conflict. It is a part of `op`.
    pub attempt: u32,
    /// Keyed hash of the caller's IP address, as base64url (the whole IPv4 address, the /64 prefix of an IPv6 address).
    pub address_hash: Option<String>,
    /// The deadline of the request. No write starts shortly before it.
    pub deadline: Deadline,
}
