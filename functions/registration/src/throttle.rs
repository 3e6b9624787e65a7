//! Slows down one caller that starts many registrations (decision 9): by client address, in the memory of this sandbox.

use latchkey::domain::throttle::Throttle;
use latchkey::domain::time::Span;
use latchkey::web::problem::ProblemKind;
use latchkey::web::{Problem, TenantHandle};
use std::sync::{Arc, Mutex, PoisonError};

/// Starts and resends in a row that one address may make: whole offices and mobile carriers share one.
const BURST: i64 = 120;
/// Then one more after each of these.
const REFILL: Span = Span::seconds(1);

/// The throttle of this sandbox.
#[derive(Clone)]
pub(crate) struct CallerThrottle(Arc<Mutex<Throttle>>);

impl CallerThrottle {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Throttle::new(BURST, REFILL))))
    }
    /// Takes a permit of the caller's address. A caller at this machine, who can't come through the gateway's front, has no limit.
    pub(crate) fn admit(&self, handle: &TenantHandle) -> Result<(), Problem> {
        let (Some(address), Some(hash)) = (handle.client_address, &handle.request.address_hash) else { return Ok(()) };
        if address.to_canonical().is_loopback() {
            return Ok(());
        }
        let mut throttle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        throttle.take(hash, handle.now()).map_err(|wait| {
            let detail = "There were many registrations from your network. Wait a moment, then try again.";
            Problem::new(ProblemKind::TooManyRequests, detail).retry_after(wait)
        })
    }
}
