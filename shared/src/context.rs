//! What every request carries: its time, its end, fresh random values and what its writes are stamped with.

use crate::domain::id::{AccountId, FlowId, GrantId, Jti, RequestId, SessionId, Sub};
use crate::domain::secret::Secret256;
use crate::domain::time::{Span, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// The time that decisions read. On Lambda the system's; on the local gateway it can be moved forward.
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
    /// A clock that stands still until it is moved: for tests.
    #[must_use]
    pub fn frozen(at: Timestamp) -> Self {
        Self { offset_millis: Arc::default(), frozen_at: Some(at) }
    }
    /// The present moment.
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
    /// How far it has been moved.
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
    /// When the system has no randomness to give: nothing safe can be done then.
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

/// The moment by which a request has to be answered, by a clock that nothing moves; none for the local gateway.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// What a write needs: with less left, its reply might not be seen any more, so it is not begun (security 141).
    const WRITE: Duration = Duration::from_millis(500);

    /// So long from now.
    #[must_use]
    pub fn after(left: Duration) -> Self {
        Self(Instant::now().checked_add(left))
    }
    /// How long there is; `None` when there is no end.
    #[must_use]
    pub fn left(self) -> Option<Duration> {
        self.0.map(|end| end.saturating_duration_since(Instant::now()))
    }
    /// Whether at least this long is left.
    #[must_use]
    pub fn leaves(self, time: Duration) -> bool {
        self.left().is_none_or(|left| left >= time)
    }
    /// Whether a write may still begin.
    #[must_use]
    pub fn leaves_a_write(self) -> bool {
        self.leaves(Self::WRITE)
    }
}

/// Where a request comes from and what its writes are stamped with.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// Named by the host.
    pub request_id: RequestId,
    /// The moment of the request: read once.
    pub now: Timestamp,
    /// Which time this request decides (1 first, more after a conflict); part of `op`.
    pub attempt: u32,
    /// Keyed hash of the caller's address, base64url (IPv4 whole, IPv6 by /64).
    pub address_hash: Option<String>,
    /// When it ends: no write begins shortly before.
    pub deadline: Deadline,
}
