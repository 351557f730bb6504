//! Header lists as tables write them: a legal list with changes.
//!
//! Changes instead of whole lists, so that an entry states only what is unusual.

use serde::{Deserialize, Serialize};

use crate::http2::header_block::Field;
use crate::http2::text::Text;

/// A legal header list, to which changes are applied.
pub(crate) type Legal = [(&'static str, &'static str)];

/// One change of a header list: exactly one of `set`, `remove`, `add` and `first` names the header.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Changes the value of a header, which keeps its position.
    pub(crate) set: Option<Text>,
    /// Removes a header.
    pub(crate) remove: Option<Text>,
    /// Appends a header; `{n}` in its name is the number of the copy.
    pub(crate) add: Option<Text>,
    /// Prepends a header.
    pub(crate) first: Option<Text>,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub(crate) value: Text,
    /// The value is filled up with `a` to this many bytes.
    pub(crate) size: Option<usize>,
    /// The number of copies that `add` appends.
    pub(crate) times: Option<usize>,
}

impl Change {
    /// Checks the change, which is applied to `legal`.
    pub(crate) fn check(&self, legal: &Legal) -> Result<(), String> {
        let named = [&self.set, &self.remove, &self.add, &self.first];
        if named.iter().filter(|name| name.is_some()).count() != 1 {
            return Err("a header has one of `set`, `remove`, `add` and `first`".to_owned());
        }
        let is_known = |name: &Text| legal.iter().any(|(legal, _)| legal.as_bytes() == name.0);
        if self.set.iter().chain(&self.remove).all(is_known) {
            return Ok(());
        }
        Err("there is no such header to set or remove".to_owned())
    }

    fn apply(&self, fields: &mut Vec<Field>) {
        let mut value = self.value.0.clone();
        value.resize(self.size.unwrap_or(value.len()), b'a');
        if let Some(name) = &self.set {
            for field in fields.iter_mut().filter(|field| field.0 == name.0) {
                field.1.clone_from(&value);
            }
        } else if let Some(name) = &self.remove {
            fields.retain(|field| field.0 != name.0);
        } else if let Some(name) = &self.first {
            fields.insert(0, (name.0.clone(), value));
        } else if let Some(name) = &self.add {
            let copy = |n: usize| (numbered(&name.0, n), value.clone());
            fields.extend((0..self.times.unwrap_or(1)).map(copy));
        }
    }
}

fn numbered(name: &[u8], n: usize) -> Vec<u8> {
    const PLACE: &[u8] = b"{n}";
    match name.windows(PLACE.len()).position(|part| part == PLACE) {
        None => name.to_vec(),
        Some(at) => [&name[..at], n.to_string().as_bytes(), &name[at + PLACE.len()..]].concat(),
    }
}

/// Applies `changes` to the `legal` header list.
pub(crate) fn changed(legal: &Legal, changes: &[Change]) -> Vec<Field> {
    let field = |(name, value): &(&str, &str)| ((*name).into(), (*value).into());
    let mut fields: Vec<Field> = legal.iter().map(field).collect();
    for change in changes {
        change.apply(&mut fields);
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::{Change, Legal, changed};

    const LEGAL: &Legal = &[("a", "1"), ("b", "2")];

    fn change(text: &str) -> Change {
        toml::from_str(text).expect("a change")
    }

    fn apply(text: &str) -> String {
        let field = |(name, value): &(Vec<u8>, Vec<u8>)| {
            format!("{}={}", name.escape_ascii(), value.escape_ascii())
        };
        changed(LEGAL, &[change(text)]).iter().map(field).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn changes_are_applied() {
        assert_eq!(apply("set = 'a'\nvalue = 'x'"), "a=x b=2");
        assert_eq!(apply("set = 'a'\nvalue = 'x'\nsize = 3"), "a=xaa b=2");
        assert_eq!(apply("remove = 'a'"), "b=2");
        assert_eq!(apply("first = 'c'"), "c= a=1 b=2");
        assert_eq!(apply("add = 'c{n}d'\nvalue = 'x'\ntimes = 2"), "a=1 b=2 c0d=x c1d=x");
        assert_eq!(apply("add = 'c'\ntimes = 2"), "a=1 b=2 c= c=");
    }

    #[test]
    fn changes_are_checked() {
        assert_eq!(change("set = 'a'").check(LEGAL), Ok(()));
        assert_eq!(change("add = 'c'").check(LEGAL), Ok(()));
        change("set = 'c'").check(LEGAL).expect_err("there is no c");
        change("remove = 'c'").check(LEGAL).expect_err("there is no c");
        change("set = 'a'\nadd = 'a'").check(LEGAL).expect_err("two names");
        change("value = '1'").check(LEGAL).expect_err("no name");
    }
}
