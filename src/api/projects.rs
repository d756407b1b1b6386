//! `/v1/projects`: projects and their limits, managed by the admin.

use super::admin::require_admin;
use super::error::{ApiError, MoveRefusal};
use super::http::Reply;
use super::platform::{Cx, Platform};
use super::read;
use crate::bounds::{RATE_LIMITS, RATE_WINDOW_SECONDS};
use crate::input::fields::{FaultKind, FaultList, Faults, Fields, Part};
use crate::input::percent;
use crate::json::{Object, Value};
use crate::key::{Project, ProjectRecord};
use crate::placement::{Buckets, Jurisdiction, Location, Placement, Storage};
use crate::rate_limit::{Account, Limiter, Policy, Quota};
use crate::rule::BrokenRule;
use crate::store::ControlStore;
use crate::time::Timestamp;
use serde::Serialize;
use std::str::FromStr;

#[derive(Serialize)]
struct ProjectOut<'a> {
    success: bool,
    project: DescribedOut<'a>,
}

#[derive(Serialize)]
struct DescribedOut<'a> {
    name: &'a Project,
    rate_limits: RateLimitsOut,
    storage: Storage,
    created_at: Timestamp,
}

#[derive(Serialize)]
struct RateLimitsOut {
    users: RateLimitOut,
    batch: RateLimitOut,
    ingest: RateLimitOut,
    query: RateLimitOut,
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

/// `PUT /v1/projects/{project}`: makes the project if there is none, and sets the limits that the body has. Storage that can't
/// be changed any more is a 409, and changes nothing.
pub async fn configure<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    require_admin(cx)?;
    read::no_query(cx.call)?;
    let name = parse_name(cx.parameter)?;
    let Changes { limits, storage } = read::object(cx, parse_changes).await?;
    let project = ensure(cx, &name, storage).await?;
    for Change { policy, own } in limits {
        cx.wait(cx.platform.limiter().set_quota(Account { project: &name, policy }, own)).await?;
    }
    describe(cx, &project).await
}

/// The project, with the storage that was chosen, if one was.
async fn ensure<P: Platform>(
    cx: &Cx<'_, P>,
    name: &Project,
    chosen: Option<ChosenStorage>,
) -> Result<ProjectRecord, ApiError> {
    let control = cx.platform.control();
    let Some(chosen) = chosen else {
        return Ok(cx.wait(control.ensure_project(name, cx.platform.settings().storage, false, cx.now())).await?);
    };
    let known = cx.wait(control.find_project(name)).await?;
    let wanted = chosen.over(known.map(|known| known.storage));
    let project = cx.wait(control.ensure_project(name, wanted, true, cx.now())).await?;
    if project.storage == wanted { Ok(project) } else { Err(MoveRefusal::StorageFixed.into()) }
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
    let rate_limits = RateLimitsOut {
        users: rate_limit(Policy::Users).await?,
        batch: rate_limit(Policy::Batch).await?,
        ingest: rate_limit(Policy::Ingest).await?,
        query: rate_limit(Policy::Query).await?,
    };
    let project =
        DescribedOut { name: &project.name, rate_limits, storage: project.storage, created_at: project.created_at };
    Ok(Reply::json(200, &ProjectOut { success: true, project }))
}

/// The project of a path. The error does not repeat an invalid name: it may be a key.
pub(super) fn parse_name(segment: &str) -> Result<Project, ApiError> {
    let project = percent::decode(segment).unwrap_or_default().parse();
    project.map_err(|rule: BrokenRule| ApiError::Faults(FaultList::one(Part::Path, "project", rule)))
}

/// A change of a policy's own quota: None removes it.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    policy: Policy,
    own: Option<Quota>,
}

/// The body of `PUT /v1/projects/{project}`.
#[derive(Debug, PartialEq, Eq)]
struct Changes {
    limits: Vec<Change>,
    storage: Option<ChosenStorage>,
}

/// What a body says of a project's storage. What it leaves out stays, or is the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::option_option, reason = "absent, null and a name are three things here")]
pub(super) enum ChosenStorage {
    D1,
    Objects { buckets: Option<Buckets>, jurisdiction: Option<Option<Jurisdiction>>, location: Option<Option<Location>> },
}

impl ChosenStorage {
    /// What is chosen, over what the project has.
    pub(super) fn over(self, known: Option<Storage>) -> Storage {
        let ChosenStorage::Objects { buckets, jurisdiction, location } = self else { return Storage::D1 };
        let known =
            known.and_then(|known| if let Storage::Objects(placement) = known { Some(placement) } else { None });
        let jurisdiction = jurisdiction.unwrap_or(known.and_then(|known| known.jurisdiction));
        let location = location.unwrap_or(known.and_then(|known| known.location));
        let buckets = buckets.or(known.map(|known| known.buckets)).unwrap_or_default();
        Storage::Objects(Placement { buckets, jurisdiction, location })
    }
}

pub(super) fn storage(value: &Value, faults: &mut Faults) -> Option<ChosenStorage> {
    let mut fields = Fields::new(faults.object(value)?, faults);
    let kind = fields.required("kind", |value, faults| {
        let kind = faults.string(value)?;
        if !["d1", "objects"].contains(&kind) {
            faults.invalid("Must be d1 or objects");
        }
        Some(kind)
    });
    let chosen = if kind == Some("d1") {
        ChosenStorage::D1
    } else {
        ChosenStorage::Objects {
            buckets: fields.optional("buckets", |value, faults| {
                let count = faults.integer(value, 1..=16)?;
                let buckets = Buckets::of_count(count.into());
                if buckets.is_none() {
                    faults.invalid("Must be 1, 4 or 16");
                }
                buckets
            }),
            jurisdiction: fields.optional("jurisdiction", name_or_null),
            location: fields.optional("location", name_or_null),
        }
    };
    fields.deny_unknown();
    kind.map(|_| chosen)
}

/// The value of a name, or Some(None) for null.
#[expect(clippy::option_option, reason = "absent, null and a name are three things here")]
fn name_or_null<T: FromStr<Err = BrokenRule>>(value: &Value, faults: &mut Faults) -> Option<Option<T>> {
    if *value == Value::Null {
        return Some(None);
    }
    let name = faults.string(value)?;
    faults.parsed(name.parse()).map(Some)
}

fn parse_changes(body: &Object) -> Result<Changes, FaultList> {
    let mut faults = Faults::default();
    let mut fields = Fields::new(body, &mut faults);
    fields.optional("rate_limit", |_, faults| -> Option<()> {
        faults.push(FaultKind::Unknown("Unknown field; write rate_limits: {\"users\": …}".into()));
        None
    });
    let by_policy = fields.optional("rate_limits", |value, faults| {
        let mut fields = Fields::new(faults.object(value)?, faults);
        let changes =
            Policy::ALL.map(|policy| fields.optional(policy.as_str(), |value, faults| change(policy, value, faults)));
        fields.deny_unknown();
        Some(changes)
    });
    let storage = fields.optional("storage", storage);
    fields.deny_unknown();
    let limits = by_policy.into_iter().flatten().flatten().collect();
    faults.finish(Some(Changes { limits, storage }))
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
        parse_changes(&json::parse_object(body.as_bytes()).unwrap()).map(|changes| changes.limits)
    }

    #[test]
    fn each_policy_is_left_set_or_reset() {
        let (thousand, ten) = (Quota::new(1000, 60), Quota::new(10, 1));
        for (body, changes) in [
            ("{}", vec![]),
            (r#"{"rate_limits":{}}"#, vec![]),
            (r#"{"rate_limits":{"users":{"limit":1000,"window_seconds":60}}}"#, vec![(Policy::Users, thousand)]),
            (r#"{"rate_limits":{"users":{"limit":1e3,"window_seconds":60.0}}}"#, vec![(Policy::Users, thousand)]),
            (r#"{"rate_limits":{"users":null}}"#, vec![(Policy::Users, None)]),
            (r#"{"rate_limits":{"batch":{"limit":10,"window_seconds":1}}}"#, vec![(Policy::Batch, ten)]),
            (
                r#"{"rate_limits":{"batch":null,"users":{"limit":10,"window_seconds":1}}}"#,
                vec![(Policy::Users, ten), (Policy::Batch, None)],
            ),
        ] {
            let read: Vec<_> = parse(body).unwrap().into_iter().map(|change| (change.policy, change.own)).collect();
            assert_eq!(read, changes, "{body}");
        }
    }

    #[test]
    fn a_limit_is_two_whole_numbers_in_bounds() {
        for (body, place) in [
            (r#"{"rate_limits":7}"#, "rate_limits"),
            (r#"{"rate_limits":{"users":7}}"#, "/rate_limits/users"),
            (r#"{"rate_limits":null}"#, "rate_limits"),
            (r#"{"rate_limits":{"upserts":null}}"#, "/rate_limits/upserts"),
            (r#"{"rate_limits":{"users":{"limit":1}}}"#, "/rate_limits/users/window_seconds"),
            (r#"{"rate_limits":{"batch":{"limit":0,"window_seconds":60}}}"#, "/rate_limits/batch/limit"),
            (r#"{"rate_limits":{"users":{"limit":1.5,"window_seconds":60}}}"#, "/rate_limits/users/limit"),
            (r#"{"rate_limits":{"users":{"limit":1,"window_seconds":86401}}}"#, "/rate_limits/users/window_seconds"),
            (r#"{"rate_limits":{"users":{"limit":1,"window_seconds":60,"burst":1}}}"#, "/rate_limits/users/burst"),
            (r#"{"rate_limits":{},"storage":"d2"}"#, "storage"),
        ] {
            assert_eq!(parse(body).unwrap_err().faults[0].place(), place, "{body}");
        }
    }

    #[test]
    fn who_sends_one_limit_learns_where_it_belongs() {
        for body in [r#"{"rate_limit":{"limit":1,"window_seconds":60}}"#, r#"{"rate_limit":null,"rate_limits":{}}"#] {
            let faults = parse(body).unwrap_err().faults;
            let lines: Vec<_> = faults.iter().map(|fault| format!("{}: {}", fault.place(), fault.kind)).collect();
            assert_eq!(lines, [r#"rate_limit: Unknown field; write rate_limits: {"users": …}"#], "{body}");
        }
    }

    #[test]
    fn storage_that_is_left_out_stays_or_is_the_default() {
        let placement = |buckets, jurisdiction, location| Placement { buckets, jurisdiction, location };
        let silent = ChosenStorage::Objects { buckets: None, jurisdiction: None, location: None };
        let known = placement(Buckets::Four, None, Some(Location::Afr));
        assert_eq!(silent.over(None), Storage::Objects(placement(Buckets::One, None, None)));
        assert_eq!(silent.over(Some(Storage::D1)), Storage::Objects(placement(Buckets::One, None, None)));
        assert_eq!(silent.over(Some(Storage::Objects(known))), Storage::Objects(known));
        let moved =
            ChosenStorage::Objects { buckets: None, jurisdiction: Some(Some(Jurisdiction::Eu)), location: Some(None) };
        let expected = placement(Buckets::Four, Some(Jurisdiction::Eu), None);
        assert_eq!(moved.over(Some(Storage::Objects(known))), Storage::Objects(expected));
        assert_eq!(ChosenStorage::D1.over(Some(Storage::Objects(known))), Storage::D1);
    }
}
