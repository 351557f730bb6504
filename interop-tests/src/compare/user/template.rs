//! Texts of a case file, with the names of captured values in braces.
//!
//! A text that is only a name stands for the value itself, so that a captured number can be set in a number field.

use crate::compare::user::captured::Captured;
use crate::config::message_table::Text;

/// A text with the names of captured values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The name of a captured value.
    Captured(String),
}

impl Template {
    /// Parses a text. `{name}` is a captured value, and `{{` is a brace.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            literal.push_str(before);
            if let Some(after) = after.strip_prefix('{') {
                literal.push('{');
                rest = after;
                continue;
            }
            let Some((name, after)) = after.split_once('}').filter(|(name, _)| is_name(name))
            else {
                return Err(format!(
                    "`{text}`: a `{{` begins the name of a captured value, as in `{{id}}`; write `{{{{` for a brace"
                ));
            };
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Captured(name.to_owned()));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self(parts))
    }

    /// Whether it has the name of a captured value.
    pub(super) fn has_names(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Captured(_)))
    }

    /// What it stands for with these values.
    pub(super) fn replaced(&self, captured: &Captured) -> Result<Text, String> {
        if let [Part::Captured(name)] = &self.0[..] {
            let value = captured.get(name)?;
            let text = value.text().unwrap_or_default();
            return Ok(Text::Value { value: value.value.clone(), text });
        }
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Captured(name) => {
                    let value = captured.get(name)?.text();
                    text.push_str(&value.ok_or_else(|| {
                        format!("`{{{name}}}` is a message, a list or a map and cannot be a part of a text")
                    })?);
                }
            }
        }
        Ok(Text::Text(text))
    }
}

/// Whether `name` can be that of a captured value.
pub(super) fn is_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !name.is_empty() && name.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use prost_reflect::{Kind, Value};

    use super::*;
    use crate::compare::user::captured::CapturedValue;

    fn captured() -> Captured {
        let mut captured = Captured::default();
        captured.insert("id", CapturedValue { value: Value::I64(7), kind: Kind::Int64 });
        captured.insert("all", CapturedValue { value: Value::List(Vec::new()), kind: Kind::Int64 });
        captured
    }

    fn replaced(text: &str) -> Result<String, String> {
        Template::parse(text)?.replaced(&captured()).map(|text| match text {
            Text::Text(text) => text,
            Text::Value { value, text } => format!("{value:?} {text}"),
        })
    }

    #[test]
    fn names_are_replaced() {
        assert_eq!(replaced("order-{id}/{id}").as_deref(), Ok("order-7/7"));
        assert_eq!(replaced("{id}").as_deref(), Ok("I64(7) 7"));
        assert_eq!(replaced("").as_deref(), Ok(""));
        assert_eq!(replaced("{all}").as_deref(), Ok("List([]) "));
        assert!(replaced("x{all}").expect_err("a list").contains("cannot be a part of a text"));
        let unknown = replaced("{ident}").expect_err("it is not captured");
        assert_eq!(unknown, "no earlier step captures `ident`; captured are `all`, `id`");
    }

    #[test]
    fn two_braces_are_one() {
        assert_eq!(replaced("{{id}").as_deref(), Ok("{id}"));
        assert_eq!(replaced("{{{id}}").as_deref(), Ok("{7}"));
        assert!(!Template::parse("{{id}").expect("it is valid").has_names());
        assert!(Template::parse("{id}").expect("it is valid").has_names());
        for text in ["{", "a{ b}", "{}", "{a b}"] {
            assert!(replaced(text).expect_err(text).contains("write `{{` for a brace"));
        }
    }
}
