//! Which resource a path names, and which methods it has.

use super::page::File;

/// A thing that a path can name. The parts of the path that it borrows are as sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource<'a> {
    Users,
    /// Also the user with this very id.
    Batch,
    User {
        id: &'a str,
    },
    Keys,
    Key {
        id: &'a str,
    },
    Projects,
    Project {
        name: &'a str,
    },
    Health,
    Ready,
    File(File),
}

impl<'a> Resource<'a> {
    pub fn of(path: &'a str) -> Option<Self> {
        let steps: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        match steps[..] {
            ["v1", "users"] | ["users"] => Some(Resource::Users),
            ["v1", "users", "batch"] => Some(Resource::Batch),
            ["v1", "users", id] if !id.is_empty() => Some(Resource::User { id }),
            ["v1", "keys"] => Some(Resource::Keys),
            ["v1", "keys", id] if !id.is_empty() => Some(Resource::Key { id }),
            ["v1", "projects"] => Some(Resource::Projects),
            ["v1", "projects", name] if !name.is_empty() => Some(Resource::Project { name }),
            ["health"] => Some(Resource::Health),
            ["health", "ready"] => Some(Resource::Ready),
            _ => File::at(path).map(Resource::File),
        }
    }

    /// The pattern of a resource whose path differs from this one by the prefix or a slash at the end.
    pub fn similar(path: &str) -> Option<&'static str> {
        let path = path.trim_end_matches('/');
        let prefixed = format!("/v1{path}");
        Resource::of(path).or_else(|| Resource::of(&prefixed)).map(Resource::pattern)
    }

    /// For the log: the path with its variables in braces.
    pub fn pattern(self) -> &'static str {
        match self {
            Resource::Users => "/v1/users",
            Resource::Batch => "/v1/users/batch",
            Resource::User { .. } => "/v1/users/{user_id}",
            Resource::Keys => "/v1/keys",
            Resource::Key { .. } => "/v1/keys/{key_id}",
            Resource::Projects => "/v1/projects",
            Resource::Project { .. } => "/v1/projects/{project}",
            Resource::Health => "/health",
            Resource::Ready => "/health/ready",
            Resource::File(file) => file.path,
        }
    }

    /// The value of `Allow`.
    pub fn allow(self) -> &'static str {
        match self {
            Resource::Users | Resource::Keys => "GET, HEAD, POST, OPTIONS",
            Resource::Batch => "GET, HEAD, POST, DELETE, OPTIONS",
            Resource::User { .. } => "GET, HEAD, DELETE, OPTIONS",
            Resource::Key { .. } => "DELETE, OPTIONS",
            Resource::Project { .. } => "GET, HEAD, PUT, OPTIONS",
            Resource::Projects | Resource::Health | Resource::Ready | Resource::File(_) => "GET, HEAD, OPTIONS",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_one_resource_or_none() {
        let cases = [
            ("/v1/users", Some(Resource::Users)),
            ("/users", Some(Resource::Users)),
            ("/v1/users/a%2Fb", Some(Resource::User { id: "a%2Fb" })),
            ("/v1/users/batch", Some(Resource::Batch)),
            ("/v1/users/%62atch", Some(Resource::User { id: "%62atch" })),
            ("/users/batch", None),
            ("/users/a", None),
            ("/v1/keys", Some(Resource::Keys)),
            ("/v1/keys/key_1", Some(Resource::Key { id: "key_1" })),
            ("/v1/projects", Some(Resource::Projects)),
            ("/v1/projects/a-b", Some(Resource::Project { name: "a-b" })),
            ("/health", Some(Resource::Health)),
            ("/health/ready", Some(Resource::Ready)),
            ("/", File::at("/").map(Resource::File)),
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
        for (path, resource) in cases {
            assert_eq!(Resource::of(path), resource, "{path}");
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
            ("/favicon.ico", None),
            ("/v1", None),
        ] {
            assert_eq!(Resource::similar(path), pattern, "{path}");
        }
    }
}
