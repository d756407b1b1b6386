//! What the operator sets: variables and secrets of the Worker.

use super::admin_token::AdminToken;
use super::cors::AllowedOrigins;
use crate::placement::{Placement, Storage};
use crate::rate_limit::{Policy, Quota};
use crate::webhooks::Waits;
use std::fmt;

/// The Worker's settings, parsed.
#[derive(Debug)]
pub struct Settings {
    /// From the secret `ADMIN_TOKEN`. None: unset or too short, so nobody is admin.
    pub admin_token: Option<AdminToken>,
    /// From `ALLOWED_ORIGINS`, default `*`.
    pub allowed_origins: AllowedOrigins,
    users_quota: Quota,
    batch_quota: Quota,
    ingest_quota: Quota,
    query_quota: Quota,
    /// Where the users of new projects live that do not say.
    pub storage: Storage,
    /// From `ALLOW_INSECURE_WEBHOOKS`: webhooks may call loopback by http. For the developer's machine alone.
    pub allow_insecure_webhooks: bool,
    /// From `WEBHOOK_HURRY`, with the former alone: how many times faster webhooks wait.
    pub webhook_waits: Waits,
}

/// A variable is malformed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    name: &'static str,
    expected: &'static str,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "variable {} is not {}", self.name, self.expected)
    }
}

impl Settings {
    /// Reads the settings; `variable` gives a variable's or a secret's text.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let quota = |name, default: &str| {
            variable(name)
                .unwrap_or_else(|| default.into())
                .parse::<Quota>()
                .map_err(|_| SettingsError { name, expected: "requests/seconds, as in 500/60" })
        };
        let allow_insecure_webhooks = match variable("ALLOW_INSECURE_WEBHOOKS").as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(SettingsError { name: "ALLOW_INSECURE_WEBHOOKS", expected: "true or false" }),
        };
        let hurry = variable("WEBHOOK_HURRY").map(|hurry| hurry.parse().ok().filter(|hurry| *hurry > 0));
        let hurry = match hurry {
            None => 1,
            Some(Some(hurry)) if allow_insecure_webhooks => hurry,
            Some(_) => {
                let expected = "a whole number, with ALLOW_INSECURE_WEBHOOKS=true alone";
                return Err(SettingsError { name: "WEBHOOK_HURRY", expected });
            }
        };
        Ok(Settings {
            allow_insecure_webhooks,
            webhook_waits: Waits { hurry },
            admin_token: variable("ADMIN_TOKEN").as_deref().and_then(AdminToken::parse),
            allowed_origins: AllowedOrigins::parse(variable("ALLOWED_ORIGINS").as_deref().unwrap_or("*")),
            users_quota: quota("RATE_LIMIT", "500/60")?,
            batch_quota: quota("BATCH_RATE_LIMIT", "100/60")?,
            ingest_quota: quota("INGEST_RATE_LIMIT", "600/60")?,
            query_quota: quota("QUERY_RATE_LIMIT", "60/60")?,
            storage: match variable("STORAGE").as_deref() {
                None | Some("d1") => Storage::D1,
                Some("objects") => Storage::Objects(Placement::default()),
                Some(_) => return Err(SettingsError { name: "STORAGE", expected: "d1 or objects" }),
            },
        })
    }

    /// The quota of a project that has none of its own.
    pub fn default_quota(&self, policy: Policy) -> Quota {
        match policy {
            Policy::Users => self.users_quota,
            Policy::Batch => self.batch_quota,
            Policy::Ingest => self.ingest_quota,
            Policy::Query => self.query_quota,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unset_variables_have_defaults_and_bad_ones_are_named() {
        let settings = Settings::read(|_| None).unwrap();
        assert_eq!(settings.default_quota(Policy::Users), Quota::new(500, 60).unwrap());
        assert_eq!(settings.default_quota(Policy::Batch), Quota::new(100, 60).unwrap());
        assert_eq!(settings.default_quota(Policy::Ingest), Quota::new(600, 60).unwrap());
        assert_eq!(settings.default_quota(Policy::Query), Quota::new(60, 60).unwrap());
        assert_eq!(settings.allowed_origins, AllowedOrigins::Any);
        assert!(settings.admin_token.is_none());
        for variable in ["RATE_LIMIT", "BATCH_RATE_LIMIT", "INGEST_RATE_LIMIT", "QUERY_RATE_LIMIT"] {
            let error = Settings::read(|name| (name == variable).then(|| "lots".into())).unwrap_err();
            assert_eq!(error.to_string(), format!("variable {variable} is not requests/seconds, as in 500/60"));
        }
        assert!(!settings.allow_insecure_webhooks && settings.webhook_waits == Waits { hurry: 1 });
        let webhooks = |insecure: &str, hurry: Option<&str>| {
            let variable = |name: &str| match name {
                "ALLOW_INSECURE_WEBHOOKS" => Some(insecure.to_owned()),
                "WEBHOOK_HURRY" => hurry.map(str::to_owned),
                _ => None,
            };
            let settings = Settings::read(variable).map_err(|error| error.name);
            settings.map(|settings| (settings.allow_insecure_webhooks, settings.webhook_waits.hurry))
        };
        assert_eq!(webhooks("true", None), Ok((true, 1)));
        assert_eq!(webhooks("true", Some("1000")), Ok((true, 1000)));
        assert_eq!(webhooks("yes", None), Err("ALLOW_INSECURE_WEBHOOKS"));
        for (insecure, hurry) in [("false", "10"), ("true", "0"), ("true", "fast")] {
            assert_eq!(webhooks(insecure, Some(hurry)), Err("WEBHOOK_HURRY"));
        }
        assert_eq!(settings.storage, Storage::D1);
        let objects = Settings::read(|name| (name == "STORAGE").then(|| "objects".into())).unwrap();
        assert_eq!(objects.storage, Storage::Objects(Placement::default()));
        let error = Settings::read(|name| (name == "STORAGE").then(|| "kv".into())).unwrap_err();
        assert_eq!(error.to_string(), "variable STORAGE is not d1 or objects");
    }
}
