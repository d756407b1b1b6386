//! `/v1/projects`: a project's own limit, set by the admin.

use super::{ApiError, Call, Edge, Reply, auth, read_object};
use crate::body::{Fault, Faults, Fields};
use crate::json::Members;
use crate::key::Project;
use crate::limit::{Account, Limiter, Policy, Quota};
use serde::Serialize;

#[derive(Serialize)]
struct ProjectOut<'a> {
    success: bool,
    project: &'a Project,
    rate_limit: RateLimitOut,
}

#[derive(Serialize)]
struct RateLimitOut {
    limit: u32,
    window_seconds: u64,
}

/// `PUT /v1/projects/{project}`: sets the limit of policy `users`, at once.
pub async fn configure<E: Edge>(call: &Call, edge: &E, name: &str) -> Result<Reply, ApiError> {
    auth::require_admin(call, edge)?;
    let project = Project::parse(name).ok_or(ApiError::NotFound)?;
    let quota = read_object(edge, parse_quota).await?;
    edge.limiter().set_quota(Account { project: &project, policy: Policy::Users }, quota).await?;
    let rate_limit = RateLimitOut { limit: quota.limit, window_seconds: quota.window_seconds() };
    Ok(Reply::json(200, &ProjectOut { success: true, project: &project, rate_limit }))
}

fn parse_quota(members: &Members) -> Result<Quota, Vec<Fault>> {
    let mut faults = Faults::default();
    let mut fields = Fields::of(members, &mut faults);
    let quota = fields.required("rate_limit", |value, faults| {
        let mut fields = Fields::of(faults.object(value)?, faults);
        let limit = fields.required("limit", |value, faults| faults.integer(value, Quota::LIMITS));
        let seconds = fields.required("window_seconds", |value, faults| faults.integer(value, Quota::WINDOW_SECONDS));
        fields.refuse_the_rest();
        Quota::new(limit?, seconds?)
    });
    fields.refuse_the_rest();
    faults.finish(quota)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{self, Value};

    fn parse(body: &str) -> Result<Quota, Vec<Fault>> {
        let Value::Object(members) = json::parse(body.as_bytes()).unwrap() else { panic!("no object") };
        parse_quota(&members)
    }

    #[test]
    fn a_limit_is_two_whole_numbers_in_bounds() {
        let quota = parse(r#"{"rate_limit":{"limit":1000,"window_seconds":60}}"#).unwrap();
        assert_eq!(quota, Quota { limit: 1000, window_ms: 60_000 });
        assert_eq!(parse(r#"{"rate_limit":{"limit":1e3,"window_seconds":60.0}}"#).unwrap(), quota);
        for (body, place) in [
            ("{}", "rate_limit"),
            (r#"{"rate_limit":null}"#, "rate_limit"),
            (r#"{"rate_limit":{"limit":1}}"#, "/rate_limit/window_seconds"),
            (r#"{"rate_limit":{"limit":0,"window_seconds":60}}"#, "/rate_limit/limit"),
            (r#"{"rate_limit":{"limit":1.5,"window_seconds":60}}"#, "/rate_limit/limit"),
            (r#"{"rate_limit":{"limit":1,"window_seconds":86401}}"#, "/rate_limit/window_seconds"),
            (r#"{"rate_limit":{"limit":1,"window_seconds":60,"burst":1}}"#, "/rate_limit/burst"),
        ] {
            assert_eq!(parse(body).unwrap_err()[0].place(), place, "{body}");
        }
    }
}
