//! What an admin chooses of a webhook, read from a body.

use super::url;
use super::webhook::{Choice, Event};
use crate::bounds::WEBHOOK_BATCH;
use crate::filter;
use crate::input::fields::{FaultList, Faults, Fields};
use crate::json::{self, Object, Value};
use crate::key::Project;
use serde_json::value::RawValue;

/// The body of `POST /v1/webhooks`.
#[derive(Debug)]
pub struct NewWebhook {
    /// Whose users it is to be about.
    pub project: Project,
    /// What else was chosen.
    pub choice: Choice,
}

/// What to change of a webhook. What is left out stays.
#[derive(Debug)]
#[expect(clippy::option_option, reason = "absent, null and a filter are three things here")]
pub struct ChangeWebhook {
    /// Where messages go.
    pub url: Option<String>,
    /// Which changes they are about.
    pub events: Option<Vec<Event>>,
    /// Which users they are about; none inside means all.
    pub filter: Option<Option<Box<RawValue>>>,
    /// Changes in one message.
    pub batch: Option<u32>,
    /// Whether it waits. False also sets one going that was disabled.
    pub paused: Option<bool>,
}

impl NewWebhook {
    /// Reads it, or every fault.
    pub fn parse(body: &Object, allow_insecure: bool) -> Result<Self, FaultList> {
        let mut faults = Faults::default();
        let mut fields = Fields::new(body, &mut faults);
        let project = fields.required("project", |value, faults| {
            let text = faults.string(value)?;
            faults.parsed(text.parse::<Project>())
        });
        let url = fields.required("url", |value, faults| read_url(value, allow_insecure, faults));
        let events = fields.optional("events", read_events);
        let filter = fields.optional("where", read_filter);
        let batch = fields.optional("batch", |value, faults| faults.integer(value, WEBHOOK_BATCH));
        fields.deny_unknown();
        let new = project.zip(url).map(|(project, url)| {
            let events = events.unwrap_or_else(|| Event::ALL.into());
            let (filter, batch) = (filter.flatten(), batch.unwrap_or(1));
            NewWebhook { project, choice: Choice { url, events, filter, batch } }
        });
        faults.finish(new)
    }
}

/// The body of `PATCH /v1/webhooks/{webhook_id}`.
pub fn parse_change(body: &Object, allow_insecure: bool) -> Result<ChangeWebhook, FaultList> {
    let mut faults = Faults::default();
    let mut fields = Fields::new(body, &mut faults);
    let change = ChangeWebhook {
        url: fields.optional("url", |value, faults| read_url(value, allow_insecure, faults)),
        events: fields.optional("events", read_events),
        filter: fields.optional("where", read_filter),
        batch: fields.optional("batch", |value, faults| faults.integer(value, WEBHOOK_BATCH)),
        paused: fields.optional("paused", |value, faults| match value {
            Value::Bool(paused) => Some(*paused),
            other => faults.wrong_type("boolean", other),
        }),
    };
    fields.deny_unknown();
    faults.finish(Some(change))
}

fn read_url(value: &Value, allow_insecure: bool, faults: &mut Faults) -> Option<String> {
    let text = faults.string(value)?;
    faults.parsed(url::check(text, allow_insecure).map(|()| text.to_owned()))
}

fn read_events(value: &Value, faults: &mut Faults) -> Option<Vec<Event>> {
    let Value::Array(items) = value else {
        return faults.wrong_type("array", value);
    };
    if items.is_empty() {
        faults.invalid("Must name at least one event");
    }
    let mut named = Vec::new();
    for (i, item) in items.iter().enumerate() {
        faults.within(i.to_string(), |faults| {
            let name = faults.string(item)?;
            let event = Event::ALL.into_iter().find(|event| event.as_str() == name);
            if event.is_none() {
                faults.invalid("Must be changed or deleted");
            }
            named.extend(event);
            event
        });
    }
    Some(Event::ALL.into_iter().filter(|event| named.contains(event)).collect())
}

/// A filter as it was sent, if it is one; null is none.
#[expect(clippy::option_option, reason = "absent, null and a filter are three things here")]
fn read_filter(value: &Value, faults: &mut Faults) -> Option<Option<Box<RawValue>>> {
    if *value == Value::Null {
        return Some(None);
    }
    filter::filter(value, faults)?;
    json::from_str(&value.to_string()).ok().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn new(body: &str) -> Result<NewWebhook, FaultList> {
        NewWebhook::parse(&json::parse_object(body.as_bytes()).unwrap(), false)
    }

    #[test]
    fn only_project_and_url_are_required() {
        let NewWebhook { project, choice } = new(r#"{"project":"p","url":"https://a.example/"}"#).unwrap();
        assert_eq!((project.as_str(), &*choice.url, choice.batch), ("p", "https://a.example/", 1));
        assert_eq!((choice.events, choice.filter.is_none()), (Event::ALL.to_vec(), true));
        let body = r#"{"project":"p","url":"https://a.example/","events":["deleted","changed","deleted"],
            "where":{"field":"/properties/n","eq":1.10},"batch":100}"#;
        let NewWebhook { choice, .. } = new(body).unwrap();
        assert_eq!(choice.events, Event::ALL);
        assert_eq!(choice.filter.unwrap().get(), r#"{"field":"/properties/n","eq":1.10}"#);
    }

    #[test]
    fn every_fault_is_reported() {
        let body = r#"{"url":"http://localhost/","events":["made",1],"where":{"field":"nope","eq":1},"batch":0,"x":1}"#;
        let places: Vec<String> = new(body).unwrap_err().faults.iter().map(|fault| fault.place().into()).collect();
        assert_eq!(places, ["project", "url", "/events/0", "/events/1", "/where/field", "batch", "x"]);
        let change = |body: &str| parse_change(&json::parse_object(body.as_bytes()).unwrap(), false);
        for (body, place) in [
            (r#"{"url":null}"#, "url"),
            (r#"{"events":[]}"#, "events"),
            (r#"{"paused":null}"#, "paused"),
            (r#"{"batch":101}"#, "batch"),
            (r#"{"project":"p"}"#, "project"),
        ] {
            assert_eq!(change(body).unwrap_err().faults[0].place(), place, "{body}");
        }
        assert!(change(r#"{"where":null}"#).unwrap().filter.unwrap().is_none());
        assert!(change("{}").unwrap().filter.is_none());
    }
}
