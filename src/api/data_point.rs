//! One data point per request, for an Analytics Engine data set. It never contains what the log must not.

use super::answer::Handled;
use super::http::Call;

/// What is counted of a request. Queries name the columns by their places, so places never change: add at the end.
#[derive(Clone, Debug, PartialEq)]
pub struct DataPoint<'a> {
    /// `index1`: the project, empty if it is unknown. Data points are sampled by it.
    pub index: &'a str,
    /// `blob1`, …: the pattern of the route, the method, the Worker's version. Empty if unknown.
    pub blobs: [&'a str; 3],
    /// `double1`, …: the status, the remote calls that the request waited for, its milliseconds.
    pub doubles: [f64; 3],
}

/// The data point of one request. `hops` are the remote calls that it waited for.
pub fn data_point<'a>(call: &'a Call, handled: &'a Handled, hops: u32, duration_ms: u64) -> DataPoint<'a> {
    let duration_ms = u32::try_from(duration_ms).unwrap_or(u32::MAX);
    DataPoint {
        index: handled.project.as_deref().unwrap_or_default(),
        blobs: [handled.route.unwrap_or_default(), &call.method, call.version.as_deref().unwrap_or_default()],
        doubles: [handled.reply.status.into(), hops.into(), duration_ms.into()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{ApiError, fail};

    #[test]
    fn each_column_keeps_its_place() {
        let call = Call {
            method: "GET".into(),
            path: "/v1/users/user_123".into(),
            version: Some("v-1".into()),
            ..Call::default()
        };
        let mut handled = fail(&call, ApiError::UserNotFound, None);
        let unknown = data_point(&call, &handled, 1, u64::MAX);
        assert_eq!((unknown.index, unknown.doubles[2]), ("", f64::from(u32::MAX)));
        handled.project = Some("p".into());
        let expected =
            DataPoint { index: "p", blobs: ["/v1/users/{user_id}", "GET", "v-1"], doubles: [404.0, 2.0, 37.0] };
        assert_eq!(data_point(&call, &handled, 2, 37), expected);
    }
}
