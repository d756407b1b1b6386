//! What an identify says of where the user came from. It is set once, so that a later visit does not overwrite the first.

use crate::json::{Object, Value};

/// Names of a campaign's members, and those of `origin` that they become.
const CAMPAIGN: [(&str, &str); 5] =
    [("name", "campaign"), ("source", "source"), ("medium", "medium"), ("term", "term"), ("content", "content")];

/// The origin of a user who came by a campaign, or from a page of another host. None: nothing is known of it.
///
/// Empty texts and nulls count as nothing, and so does a referrer of a page that does not say where it is itself. RudderStack has a channel beside the context.
pub fn origin<'a>(message: &Object<'a>) -> Option<Object<'a>> {
    let Some(Value::Object(context)) = message.get("context") else { return None };
    let mut members = Vec::new();
    if let Some(Value::Object(campaign)) = context.get("campaign") {
        let known = CAMPAIGN.iter().filter_map(|(name, becomes)| Some((*becomes, said(campaign, name)?)));
        members.extend(known.map(|(name, value)| (name.into(), value)));
    }
    if let Some(Value::Object(page)) = context.get("page")
        && let Some(referrer) = said(page, "referrer")
        && let (Some(from), Some(own)) = (host(&referrer), page.get("url").and_then(host))
        && from != own
    {
        members.push(("referrer".into(), referrer));
    }
    if members.is_empty() {
        return None;
    }
    members.extend(said(message, "channel").map(|channel| ("channel".into(), channel)));
    Some(Object { members })
}

/// A text or a number that says something.
fn said<'a>(object: &Object<'a>, name: &str) -> Option<Value<'a>> {
    match object.get(name)? {
        Value::String(text) if text.trim().is_empty() => None,
        value @ (Value::String(_) | Value::Number(_)) => Some(value.clone()),
        _ => None,
    }
}

/// The host of a URL, with its port, in whatever case.
fn host(url: &Value) -> Option<String> {
    let Value::String(url) = url else { return None };
    let (_, rest) = url.split_once("//")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn a_campaign_or_a_page_of_another_host_is_an_origin() {
        let page = |referrer: &str| {
            format!(r#"{{"context":{{"page":{{"url":"https://shop.example/a","referrer":"{referrer}"}}}}}}"#)
        };
        for (message, expected) in [
            (
                r#"{"channel":"web","context":{"campaign":{"name":"spring","source":"news","medium":null,"term":"","content":7,"id":"x"}}}"#.to_owned(),
                r#"{"campaign":"spring","source":"news","content":7,"channel":"web"}"#,
            ),
            (page("https://search.example/?q=a"), r#"{"referrer":"https://search.example/?q=a"}"#),
            (page("https://SHOP.example/b"), ""),
            (page("//u:p@shop.example"), ""),
            (page("https://shop.example:8443/b"), r#"{"referrer":"https://shop.example:8443/b"}"#),
            (page(""), ""),
            (page("about:blank"), ""),
            (r#"{"context":{"page":{"referrer":"https://shop.example/a"}}}"#.into(), ""),
            (r#"{"channel":"web","context":{"page":{"url":"https://shop.example/a"}}}"#.into(), ""),
            (r#"{"context":{"campaign":{"name":" "},"page":[]}}"#.into(), ""),
            (r#"{"context":{"campaign":{"name":{"a":1}}}}"#.into(), ""),
            (r#"{"context":[]}"#.into(), ""),
            ("{}".into(), ""),
        ] {
            let origin = origin(&json::parse_object(message.as_bytes()).unwrap());
            assert_eq!(origin.map_or(String::new(), |origin| origin.to_string()), expected, "{message}");
        }
    }
}
