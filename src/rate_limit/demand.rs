//! Forecasts how many tokens an isolate will need.

use super::quota::Quota;

/// Recent requests, each decaying over the length of a lease.
#[derive(Debug, Default)]
pub struct Demand {
    requests: f64,
    noted_ms: u64,
}

impl Demand {
    pub fn note(&mut self, quota: Quota, now_ms: u64) {
        let passed_ms = now_ms.saturating_sub(self.noted_ms);
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a few leases matter, no more")]
        let faded = passed_ms as f64 / quota.lease_ms() as f64;
        self.requests = self.requests * (-faded).exp() + 1.0;
        self.noted_ms = now_ms;
    }

    /// Forgets the request that was noted last, or lately.
    pub fn take_back(&mut self) {
        self.requests = (self.requests - 1.0).max(0.0);
    }

    /// Tokens to expect within `lifetime_ms` if demand stays as it was before the last request: three quarters of the mean.
    /// Where quota is not ample and waste matters, at most the mean less two standard deviations.
    pub fn forecast(&self, quota: Quota, lifetime_ms: u64, is_ample: bool) -> u32 {
        #[expect(clippy::cast_precision_loss, reason = "at most a lease's length")]
        let expected = (self.requests - 1.0) * lifetime_ms as f64 / quota.lease_ms() as f64;
        let prudent =
            if is_ample { (expected * 0.75).ceil() } else { (expected * 0.75).min(expected - 2.0 * expected.sqrt()) };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
        let tokens = prudent as u32;
        tokens
    }
}
