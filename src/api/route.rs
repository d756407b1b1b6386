//! Maps a method and a path to an operation.

use super::error::ApiError;

/// What a route does. `api/mod.rs` says by which handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Create a user, or merge into one.
    UpsertUser,
    /// List users, page by page.
    ListUsers,
    /// Write a batch of users.
    WriteUsers,
    /// Find users by a filter.
    QueryUsers,
    /// Count users by a filter.
    CountUsers,
    /// Read users by their ids.
    GetUsers,
    /// Read the names of members in use.
    ListProperties,
    /// Read a user.
    GetUser,
    /// Delete a user.
    DeleteUser,
    /// List users who changed or are gone, in the order of that.
    ListChanges,
    /// Make an API key; admin.
    CreateKey,
    /// List API keys; admin.
    ListKeys,
    /// Revoke an API key; admin.
    RevokeKey,
    /// Tell a key what it may do.
    DescribeKey,
    /// List projects; admin.
    ListProjects,
    /// Read a project; admin.
    GetProject,
    /// Read what is booked of a project's limits; admin.
    GetUsage,
    /// Make a project or set its limits; admin.
    ConfigureProject,
    /// Begin to move a project to another storage; admin.
    BeginMove,
    /// Read how far a project's move is; admin.
    GetMove,
    /// Give a project's move up; admin.
    EndMove,
    /// Make a webhook; admin.
    CreateWebhook,
    /// List webhooks; admin.
    ListWebhooks,
    /// Read a webhook; admin.
    GetWebhook,
    /// Change a webhook; admin.
    ChangeWebhook,
    /// End a webhook; admin.
    DeleteWebhook,
    /// Make another secret of a webhook; admin.
    RotateSecret,
    /// Send a test by a webhook; admin.
    TestWebhook,
    /// Have a webhook go back; admin.
    ReplayWebhook,
    /// Take messages of Segment's protocol.
    IngestBatch,
    /// Take one message of Segment's protocol, of this type.
    IngestMessage(&'static str),
    /// Tell analytics.js where to send messages.
    IngestSettings,
    /// Say that the Worker runs.
    Health,
    /// Say that the store answers too.
    Ready,
    /// Send a file of the page.
    Asset,
}

impl Operation {
    /// Whether its paths may end with a slash, as Segment's do.
    fn takes_slash(self) -> bool {
        matches!(self, Operation::IngestBatch | Operation::IngestMessage(_) | Operation::IngestSettings)
    }
}

/// Every route: method, pattern, operation. If a path matches two patterns, the first that
/// has the method wins.
pub const ROUTES: [(&str, &str, Operation); 55] = [
    ("POST", "/v1/users", Operation::UpsertUser),
    ("GET", "/v1/users", Operation::ListUsers),
    ("POST", "/v1/users/batch", Operation::WriteUsers),
    ("POST", "/v1/users/query", Operation::QueryUsers),
    ("POST", "/v1/users/count", Operation::CountUsers),
    ("POST", "/v1/users/get", Operation::GetUsers),
    ("GET", "/v1/users/{user_id}", Operation::GetUser),
    ("DELETE", "/v1/users/{user_id}", Operation::DeleteUser),
    ("GET", "/v1/changes", Operation::ListChanges),
    ("GET", "/v1/properties", Operation::ListProperties),
    ("POST", "/v1/keys", Operation::CreateKey),
    ("GET", "/v1/keys", Operation::ListKeys),
    ("DELETE", "/v1/keys/{key_id}", Operation::RevokeKey),
    ("GET", "/v1/key", Operation::DescribeKey),
    ("GET", "/v1/projects", Operation::ListProjects),
    ("GET", "/v1/projects/{project}", Operation::GetProject),
    ("PUT", "/v1/projects/{project}", Operation::ConfigureProject),
    ("GET", "/v1/projects/{project}/usage", Operation::GetUsage),
    ("POST", "/v1/projects/{project}/move", Operation::BeginMove),
    ("GET", "/v1/projects/{project}/move", Operation::GetMove),
    ("DELETE", "/v1/projects/{project}/move", Operation::EndMove),
    ("POST", "/v1/webhooks", Operation::CreateWebhook),
    ("GET", "/v1/webhooks", Operation::ListWebhooks),
    ("GET", "/v1/webhooks/{webhook_id}", Operation::GetWebhook),
    ("PATCH", "/v1/webhooks/{webhook_id}", Operation::ChangeWebhook),
    ("DELETE", "/v1/webhooks/{webhook_id}", Operation::DeleteWebhook),
    ("POST", "/v1/webhooks/{webhook_id}/rotate", Operation::RotateSecret),
    ("POST", "/v1/webhooks/{webhook_id}/test", Operation::TestWebhook),
    ("POST", "/v1/webhooks/{webhook_id}/replay", Operation::ReplayWebhook),
    ("POST", "/v1/batch", Operation::IngestBatch),
    ("POST", "/v1/import", Operation::IngestBatch),
    ("POST", "/v1/b", Operation::IngestBatch),
    ("POST", "/v1/identify", Operation::IngestMessage("identify")),
    ("POST", "/v1/i", Operation::IngestMessage("identify")),
    ("POST", "/v1/track", Operation::IngestMessage("track")),
    ("POST", "/v1/t", Operation::IngestMessage("track")),
    ("POST", "/v1/page", Operation::IngestMessage("page")),
    ("POST", "/v1/p", Operation::IngestMessage("page")),
    ("POST", "/v1/screen", Operation::IngestMessage("screen")),
    ("POST", "/v1/s", Operation::IngestMessage("screen")),
    ("POST", "/v1/group", Operation::IngestMessage("group")),
    ("POST", "/v1/g", Operation::IngestMessage("group")),
    ("POST", "/v1/alias", Operation::IngestMessage("alias")),
    ("POST", "/v1/a", Operation::IngestMessage("alias")),
    ("GET", "/v1/projects/{key}/settings", Operation::IngestSettings),
    ("GET", "/health", Operation::Health),
    ("GET", "/health/ready", Operation::Ready),
    ("GET", "/", Operation::Asset),
    ("GET", "/openapi.yaml", Operation::Asset),
    ("GET", "/openapi.json", Operation::Asset),
    ("GET", "/llms.txt", Operation::Asset),
    ("GET", "/page.js", Operation::Asset),
    ("GET", "/page.css", Operation::Asset),
    ("GET", "/swagger-ui-bundle.js", Operation::Asset),
    ("GET", "/swagger-ui.css", Operation::Asset),
];

/// The methods of some route, as `Allow` lists them: HEAD is answered wherever GET is, OPTIONS everywhere.
pub const ALL_METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// The route of a request, or if its method has none, the first one that its path matches.
#[derive(Debug, PartialEq, Eq)]
pub struct Found<'a> {
    pub pattern: &'static str,
    /// The variable part of the path, as sent. Empty where the pattern has none.
    pub parameter: &'a str,
    /// None: the method is not allowed.
    pub operation: Option<Operation>,
    path: &'a str,
}

/// Finds the route of a method and a path.
pub fn find<'a>(method: &str, path: &'a str) -> Option<Found<'a>> {
    let without_slash = || find_exact(method, path.strip_suffix('/')?).filter(Found::takes_slash);
    find_exact(method, path).or_else(without_slash)
}

fn find_exact<'a>(method: &str, path: &'a str) -> Option<Found<'a>> {
    // The only path that works without its prefix.
    let path = if path == "/users" { "/v1/users" } else { path };
    let method = if method == "HEAD" { "GET" } else { method };
    let found = |(_, pattern, operation): &(&str, &'static str, Operation)| {
        Some(Found { pattern, parameter: parameter(pattern, path)?, operation: Some(*operation), path })
    };
    let exact = ROUTES.iter().filter(|(known, ..)| *known == method).find_map(found);
    let other = || ROUTES.iter().find_map(found).map(|found| Found { operation: None, ..found });
    exact.or_else(other)
}

impl Found<'_> {
    fn takes_slash(&self) -> bool {
        ROUTES.iter().any(|(_, pattern, operation)| *pattern == self.pattern && operation.takes_slash())
    }

    /// The value of `Allow`.
    pub fn allow(&self) -> String {
        let has = |method: &str| {
            ROUTES.iter().any(|(known, pattern, _)| *known == method && parameter(pattern, self.path).is_some())
        };
        let allowed = |method: &&str| match *method {
            "HEAD" => has("GET"),
            "OPTIONS" => true,
            method => has(method),
        };
        ALL_METHODS.split(", ").filter(allowed).collect::<Vec<_>>().join(", ")
    }

    /// The refusal of a method that the route lacks.
    pub fn method_not_allowed(&self, method: &str) -> ApiError {
        let changes = matches!(method, "PATCH" | "PUT") && self.pattern.starts_with("/v1/users");
        let instead = changes.then_some("POST /v1/users merges what it is sent into the user");
        ApiError::MethodNotAllowed { allow: self.allow(), instead }
    }
}

/// The part of a path that matches the braces of a pattern; empty if the pattern has none. None if it does not match.
fn parameter<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    match pattern.split_once('{') {
        None => (pattern == path).then_some(""),
        Some((prefix, rest)) => {
            let (_, suffix) = rest.split_once('}')?;
            path.strip_prefix(prefix)?.strip_suffix(suffix).filter(|value| !value.is_empty() && !value.contains('/'))
        }
    }
}

/// How the path of a route is written that this one resembles: it differs by the prefix, by slashes too many, or by those
/// of an id.
pub fn similar(path: &str) -> Option<&'static str> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let path = format!("/{}", segments.join("/"));
    let prefixed = format!("/v1{path}");
    let found = [&path, &prefixed].into_iter().find_map(|path| find("", path)).map(|found| found.pattern);
    let of_user = || match segments.as_slice() {
        ["v1", "users", _, _, ..] | ["users", _, _, ..] => Some("/v1/users/{user_id}, with each / in the id as %2F"),
        _ => None,
    };
    found.or_else(of_user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_routes_or_none() {
        let cases = [
            ("/v1/users", Some(("/v1/users", ""))),
            ("/users", Some(("/v1/users", ""))),
            ("/v1/users/a%2Fb", Some(("/v1/users/{user_id}", "a%2Fb"))),
            ("/v1/users/batch", Some(("/v1/users/batch", ""))),
            ("/v1/users/%62atch", Some(("/v1/users/{user_id}", "%62atch"))),
            ("/users/batch", None),
            ("/users/a", None),
            ("/v1/keys", Some(("/v1/keys", ""))),
            ("/v1/keys/key_1", Some(("/v1/keys/{key_id}", "key_1"))),
            ("/v1/key", Some(("/v1/key", ""))),
            ("/v1/projects", Some(("/v1/projects", ""))),
            ("/v1/projects/a-b", Some(("/v1/projects/{project}", "a-b"))),
            ("/v1/projects/a-b/settings", Some(("/v1/projects/{key}/settings", "a-b"))),
            ("/v1/projects/a-b/settings/", Some(("/v1/projects/{key}/settings", "a-b"))),
            ("/v1/projects/a-b/usage", Some(("/v1/projects/{project}/usage", "a-b"))),
            ("/v1/projects/a-b/usage/", None),
            ("/v1/projects/a-b/move", Some(("/v1/projects/{project}/move", "a-b"))),
            ("/v1/projects//settings", None),
            ("/v1/projects/settings", Some(("/v1/projects/{project}", "settings"))),
            ("/v1/projects/a-b/", None),
            ("/v1/batch/", Some(("/v1/batch", ""))),
            ("/v1/i/", Some(("/v1/i", ""))),
            ("/v1/batch//", None),
            ("/batch", None),
            ("/health", Some(("/health", ""))),
            ("/health/ready", Some(("/health/ready", ""))),
            ("/", Some(("/", ""))),
            ("/index.html", None),
            ("", None),
            ("/v1", None),
            ("/v1/users/", None),
            ("//v1/users", None),
            ("/v1//users", None),
            ("/V1/users", None),
            ("/v1/keys/", None),
            ("/keys", None),
            ("/v1/health", None),
        ];
        for (path, expected) in cases {
            assert_eq!(find("", path).map(|found| (found.pattern, found.parameter)), expected, "{path}");
        }
    }

    #[test]
    fn a_path_of_two_patterns_has_the_methods_of_both() {
        for (method, parameter, operation) in [
            ("POST", "", Some(Operation::WriteUsers)),
            ("GET", "batch", Some(Operation::GetUser)),
            ("HEAD", "batch", Some(Operation::GetUser)),
            ("DELETE", "batch", Some(Operation::DeleteUser)),
            ("PUT", "", None),
        ] {
            let found = find(method, "/v1/users/batch").unwrap();
            assert_eq!((found.parameter, found.operation), (parameter, operation), "{method}");
            assert_eq!(found.allow(), "GET, HEAD, POST, DELETE, OPTIONS");
        }
    }

    #[test]
    fn every_method_of_a_route_is_one_that_allow_can_list() {
        for (method, pattern, _) in ROUTES {
            assert!(ALL_METHODS.split(", ").any(|known| known == method), "{method} {pattern}");
        }
    }

    #[test]
    fn a_path_may_be_like_another_one() {
        for (path, pattern) in [
            ("/v1/users/", Some("/v1/users")),
            ("/v1/users/u/", Some("/v1/users/{user_id}")),
            ("/users/batch", Some("/v1/users/batch")),
            ("/keys//", Some("/v1/keys")),
            ("/health/", Some("/health")),
            ("//v1/users", Some("/v1/users")),
            ("/v1//users/u", Some("/v1/users/{user_id}")),
            ("/v1/users/org/7", Some("/v1/users/{user_id}, with each / in the id as %2F")),
            ("/users/org/7/", Some("/v1/users/{user_id}, with each / in the id as %2F")),
            ("/v1/keys/a/b", None),
            ("/", Some("/")),
            ("/favicon.ico", None),
            ("/v1", None),
        ] {
            assert_eq!(similar(path), pattern, "{path}");
        }
    }
}
