//! `/v1/projects`: projects and their limits, managed by the admin.

use super::auth::require_admin;
use super::error::ApiError;
use super::http::Reply;
use super::platform::{Cx, Platform};
use super::read;
use crate::input::fields::{FaultList, Faults, Fields, Part};
use crate::input::percent;
use crate::json::{Object, Value};
use crate::key::{Project, ProjectRecord};
use crate::limit::{Account, Limiter, Policy, Quota};
use crate::limits::{RATE_LIMITS, RATE_WINDOW_SECONDS};
use crate::rule::BrokenRule;
use crate::store::ControlStore;
use crate::time::Timestamp;
use serde::Serialize;

#[derive(Serialize)]
struct ProjectOut<'a> {
    success: bool,
    project: DescribedOut<'a>,
}

#[derive(Serialize)]
struct DescribedOut<'a> {
    name: &'a Project,
    rate_limits: RateLimitsOut,
    created_at: Timestamp,
}

#[derive(Serialize)]
struct RateLimitsOut {
    users: RateLimitOut,
    batch: RateLimitOut,
}

#[derive(Serialize)]
struct RateLimitOut {
    limit: u32,
    window_seconds: u64,
    /// Whether the project has no limit of its own.
    default: bool,
}

#[derive(Serialize)]
struct ProjectsOut {
    success: bool,
    projects: Vec<ProjectRecord>,
}

/// `GET /v1/projects`: all projects, by name.
pub async fn list<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    require_admin(cx)?;
    read::no_query(cx.call)?;
    let projects = cx.wait(cx.platform.control().list_projects()).await?;
    Ok(Reply::json(200, &ProjectsOut { success: true, projects }))
}

/// `GET /v1/projects/{project}`: a project and its limits.
pub async fn get<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    require_admin(cx)?;
    read::no_query(cx.call)?;
    let name = parse_name(cx.parameter)?;
    let project = cx.wait(cx.platform.control().find_project(&name)).await?.ok_or(ApiError::ProjectNotFound)?;
    describe(cx, &project).await
}

/// `PUT /v1/projects/{project}`: makes the project if there is none, and sets the given limits at once.
pub async fn configure<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    require_admin(cx)?;
    read::no_query(cx.call)?;
    let name = parse_name(cx.parameter)?;
    let changes = read::object(cx, parse_changes).await?;
    let project = cx.wait(cx.platform.control().ensure_project(&name, cx.now())).await?;
    for Change { policy, own } in changes {
        cx.wait(cx.platform.limiter().set_quota(Account { project: &name, policy }, own)).await?;
    }
    describe(cx, &project).await
}

async fn describe<P: Platform>(cx: &Cx<'_, P>, project: &ProjectRecord) -> Result<Reply, ApiError> {
    let rate_limit = async |policy| {
        let own = cx.wait(cx.platform.limiter().own_quota(Account { project: &project.name, policy })).await?;
        let quota = own.unwrap_or(cx.platform.settings().default_quota(policy));
        Ok::<_, ApiError>(RateLimitOut {
            limit: quota.limit,
            window_seconds: quota.window_seconds(),
            default: own.is_none(),
        })
    };
    let rate_limits =
        RateLimitsOut { users: rate_limit(Policy::Users).await?, batch: rate_limit(Policy::Batch).await? };
    let project = DescribedOut { name: &project.name, rate_limits, created_at: project.created_at };
    Ok(Reply::json(200, &ProjectOut { success: true, project }))
}

/// The project of a path. The error does not repeat an invalid name: it may be a key.
fn parse_name(segment: &str) -> Result<Project, ApiError> {
    let project = percent::decode(segment).unwrap_or_default().parse();
    project.map_err(|rule: BrokenRule| ApiError::Faults(FaultList::one(Part::Path, "project", rule)))
}

/// A change of a policy's own quota: None removes it.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    policy: Policy,
    own: Option<Quota>,
}

/// Reads the body. `rate_limit` is the older name of `rate_limits.users`.
fn parse_changes(body: &Object) -> Result<Vec<Change>, FaultList> {
    let mut faults = Faults::default();
    let mut fields = Fields::new(body, &mut faults);
    let users = fields.optional("rate_limit", |value, faults| change(Policy::Users, value, faults));
    let by_policy = fields.optional("rate_limits", |value, faults| {
        if users.is_some() {
            faults.invalid("Must not stand beside rate_limit, which is its users");
        }
        let mut fields = Fields::new(faults.object(value)?, faults);
        let changes =
            Policy::ALL.map(|policy| fields.optional(policy.as_str(), |value, faults| change(policy, value, faults)));
        fields.deny_unknown();
        Some(changes)
    });
    fields.deny_unknown();
    faults.finish(Some(users.into_iter().chain(by_policy.into_iter().flatten().flatten()).collect()))
}

fn change(policy: Policy, value: &Value, faults: &mut Faults) -> Option<Change> {
    if *value == Value::Null {
        return Some(Change { policy, own: None });
    }
    let mut fields = Fields::new(faults.object(value)?, faults);
    let limit = fields.required("limit", |value, faults| faults.integer(value, RATE_LIMITS));
    let seconds = fields.required("window_seconds", |value, faults| faults.integer(value, RATE_WINDOW_SECONDS));
    fields.deny_unknown();
    Some(Change { policy, own: Some(Quota::new(limit?, seconds?)?) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn parse(body: &str) -> Result<Vec<Change>, FaultList> {
        parse_changes(&json::parse_object(body.as_bytes()).unwrap())
    }

    #[test]
    fn each_policy_is_left_set_or_reset() {
        let (thousand, ten) = (Quota::new(1000, 60), Quota::new(10, 1));
        for (body, changes) in [
            ("{}", vec![]),
            (r#"{"rate_limits":{}}"#, vec![]),
            (r#"{"rate_limit":{"limit":1000,"window_seconds":60}}"#, vec![(Policy::Users, thousand)]),
            (r#"{"rate_limit":{"limit":1e3,"window_seconds":60.0}}"#, vec![(Policy::Users, thousand)]),
            (r#"{"rate_limit":null}"#, vec![(Policy::Users, None)]),
            (r#"{"rate_limits":{"batch":{"limit":10,"window_seconds":1}}}"#, vec![(Policy::Batch, ten)]),
            (
                r#"{"rate_limits":{"batch":null,"users":{"limit":10,"window_seconds":1}}}"#,
                vec![(Policy::Users, ten), (Policy::Batch, None)],
            ),
        ] {
            let told: Vec<_> = parse(body).unwrap().into_iter().map(|change| (change.policy, change.own)).collect();
            assert_eq!(told, changes, "{body}");
        }
    }

    #[test]
    fn a_limit_is_two_whole_numbers_in_bounds() {
        for (body, place) in [
            (r#"{"rate_limit":7}"#, "rate_limit"),
            (r#"{"rate_limits":null}"#, "rate_limits"),
            (r#"{"rate_limits":{"upserts":null}}"#, "/rate_limits/upserts"),
            (r#"{"rate_limit":null,"rate_limits":{}}"#, "rate_limits"),
            (r#"{"rate_limit":{"limit":1}}"#, "/rate_limit/window_seconds"),
            (r#"{"rate_limits":{"batch":{"limit":0,"window_seconds":60}}}"#, "/rate_limits/batch/limit"),
            (r#"{"rate_limit":{"limit":1.5,"window_seconds":60}}"#, "/rate_limit/limit"),
            (r#"{"rate_limit":{"limit":1,"window_seconds":86401}}"#, "/rate_limit/window_seconds"),
            (r#"{"rate_limit":{"limit":1,"window_seconds":60,"burst":1}}"#, "/rate_limit/burst"),
            (r#"{"rate_limits":{},"storage":"d2"}"#, "storage"),
        ] {
            assert_eq!(parse(body).unwrap_err().faults[0].place(), place, "{body}");
        }
    }
}
