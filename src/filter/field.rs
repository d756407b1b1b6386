//! What of a user a condition is about.

use crate::bounds::MAX_NAME_CHARS;
use crate::input::suggest;
use crate::rule::BrokenRule;
use crate::user::fields::SECTIONS;
use std::borrow::Cow;

/// A part of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// The caller's own id.
    UserId,
    /// The e-mail address.
    Email,
    /// The phone number.
    Phone,
    /// When the user was created, as the text that answers show.
    CreatedAt,
    /// When the user last changed, likewise.
    UpdatedAt,
    /// A member below `properties` or `origin`.
    Member {
        /// The name of one of [`SECTIONS`].
        section: &'static str,
        /// The names, or indices in arrays, that lead there; at least one.
        steps: Vec<String>,
    },
}

/// The fields that are not members.
const FIXED: [(&str, Field); 5] = [
    ("user_id", Field::UserId),
    ("email", Field::Email),
    ("phone", Field::Phone),
    ("created_at", Field::CreatedAt),
    ("updated_at", Field::UpdatedAt),
];

/// Why a text names no field.
#[derive(Debug, PartialEq, Eq)]
pub enum FieldError {
    /// There is none like it; the sentence says which there are.
    Unknown(String),
    /// It is not well-formed, or nobody can have such a member.
    Invalid(BrokenRule),
}

impl Field {
    /// Reads `email`, `properties.KEY`, where KEY is the rest of the text, or a JSON Pointer (RFC 6901) below `properties` or
    /// `origin`.
    pub fn parse(text: &str) -> Result<Field, FieldError> {
        if let Some((_, field)) = FIXED.iter().find(|(name, _)| *name == text) {
            return Ok(field.clone());
        }
        for section in SECTIONS.each_ref().map(|section| section.name) {
            if text == section {
                return Err(invalid(format!("Must go on, as in {section}.plan")));
            }
            let key = text.strip_prefix(section).and_then(|rest| rest.strip_prefix('.'));
            if let Some(key) = key {
                return member(section, vec![key.to_owned()]);
            }
            let pointer = text.strip_prefix('/').and_then(|rest| rest.strip_prefix(section));
            match pointer {
                Some("") => return Err(invalid(format!("Must go on, as in /{section}/plan"))),
                Some(pointer) if pointer.starts_with('/') => {
                    let steps = pointer.split('/').skip(1).map(unescaped);
                    let steps = steps.collect::<Option<Vec<_>>>();
                    let rule = "Must write ~ as ~0, and / as ~1 (RFC 6901)";
                    return member(section, steps.ok_or_else(|| invalid(rule))?);
                }
                _ => {}
            }
        }
        Err(FieldError::Unknown(unknown(text)))
    }

    /// The field as a text that [`Field::parse`] reads: one for each.
    pub fn name(&self) -> Cow<'static, str> {
        match self {
            Field::Member { section, steps } => {
                let steps = steps.iter().map(|step| format!("/{}", crate::json::pointer_step(step)));
                format!("/{section}{}", steps.collect::<String>()).into()
            }
            fixed => FIXED.iter().find(|(_, field)| field == fixed).map_or("", |(name, _)| name).into(),
        }
    }
}

fn invalid(rule: impl Into<Cow<'static, str>>) -> FieldError {
    FieldError::Invalid(BrokenRule::new(rule))
}

/// A member, if somebody can have one of these names.
fn member(section: &'static str, steps: Vec<String>) -> Result<Field, FieldError> {
    for step in &steps {
        if step.is_empty() {
            return Err(invalid("A key must not be empty"));
        } else if step.chars().count() > MAX_NAME_CHARS {
            return Err(invalid(format!("A key must have at most {MAX_NAME_CHARS} characters")));
        } else if step.contains('\0') {
            return Err(invalid("A key must not contain U+0000"));
        }
    }
    Ok(Field::Member { section, steps })
}

/// The name that a step of a pointer writes (RFC 6901 section 4).
fn unescaped(step: &str) -> Option<String> {
    let mut parts = step.split('~');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digit, rest) = part.split_at_checked(1)?;
        name.push_str(match digit {
            "0" => "~",
            "1" => "/",
            _ => return None,
        });
        name.push_str(rest);
    }
    Some(name)
}

fn unknown(text: &str) -> String {
    let names = FIXED.each_ref().map(|(name, _)| *name);
    let [properties, origin] = SECTIONS.each_ref().map(|section| section.name);
    let known = format!("Unknown field; there are {}, {properties}.KEY and {origin}.KEY", names.join(", "));
    if text == "external_id" {
        return format!("{known}. Did you mean user_id?");
    }
    if matches!(text, "id" | "created" | "updated") || text.contains(['.', '/']) {
        return known;
    }
    match suggest::nearest(text, &names) {
        Some(meant) => format!("{known}. Did you mean {meant}?"),
        None if text.is_empty() || text.chars().count() > MAX_NAME_CHARS => known,
        None => format!("{known}. Did you mean {properties}.{text}?"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_has_a_pointer_and_its_name_as_in_a_table() {
        let member = |section, steps: &[&str]| {
            Ok(Field::Member { section, steps: steps.iter().map(ToString::to_string).collect() })
        };
        for (text, field) in [
            ("email", Ok(Field::Email)),
            ("properties.plan", member("properties", &["plan"])),
            ("properties.a.b/c~1", member("properties", &["a.b/c~1"])),
            ("origin. ", member("origin", &[" "])),
            ("/properties/plan", member("properties", &["plan"])),
            ("/origin/a~1b~0c~01/0/.", member("origin", &["a/b~c~1", "0", "."])),
        ] {
            let parsed = Field::parse(text);
            assert_eq!(parsed, field, "{text}");
            let again = parsed.unwrap().name();
            assert_eq!(Field::parse(&again), field, "{again}");
        }
    }

    #[test]
    fn what_names_no_field_is_answered_with_what_does() {
        let known =
            "Unknown field; there are user_id, email, phone, created_at, updated_at, properties.KEY and origin.KEY";
        for (text, hint) in [
            ("", ""),
            ("id", ""),
            ("plan", ". Did you mean properties.plan?"),
            ("external_id", ". Did you mean user_id?"),
            ("createdAt", ". Did you mean created_at?"),
            ("/email", ""),
            ("/propertiesx/a", ""),
            ("property.plan", ""),
        ] {
            assert_eq!(Field::parse(text), Err(FieldError::Unknown(format!("{known}{hint}"))), "{text}");
        }
        for (text, rule) in [
            ("properties", "Must go on, as in properties.plan"),
            ("properties.", "A key must not be empty"),
            ("/properties", "Must go on, as in /properties/plan"),
            ("/properties/", "A key must not be empty"),
            ("/origin/a//b", "A key must not be empty"),
            ("/origin/~2", "Must write ~ as ~0, and / as ~1 (RFC 6901)"),
            ("/origin/a~", "Must write ~ as ~0, and / as ~1 (RFC 6901)"),
            ("origin.a\0", "A key must not contain U+0000"),
        ] {
            assert_eq!(Field::parse(text), Err(invalid(rule)), "{text}");
        }
        assert!(Field::parse(&format!("origin.{}", "é".repeat(128))).is_ok());
        assert!(Field::parse(&format!("origin.{}", "é".repeat(129))).is_err());
    }
}
