//! Header lists as tables write them: a legal one with changes.
//!
//! Changes and not whole lists, so that an entry says only what is odd about it.

use serde::Deserialize;

use crate::http2::header_block::Field;
use crate::http2::text::Text;

/// A legal header list that changes start from.
pub(crate) type Legal = [(&'static str, &'static str)];

/// One change of a header list: exactly one of `set`, `remove`, `add` and `first` names the header.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Gives another value to a header, which stays where it is.
    pub(crate) set: Option<Text>,
    /// Takes a header out.
    pub(crate) remove: Option<Text>,
    /// Appends a header; `{n}` in its name is the number of the copy.
    pub(crate) add: Option<Text>,
    /// Puts a header before all others.
    pub(crate) first: Option<Text>,
    #[serde(default)]
    pub(crate) value: Text,
    /// The value is filled up with `a` to this many bytes.
    pub(crate) size: Option<usize>,
    /// How many copies of the header are added.
    pub(crate) times: Option<usize>,
}

impl Change {
    /// What is wrong with the change itself, as one of `legal`.
    pub(crate) fn check(&self, legal: &Legal) -> Result<(), String> {
        let named = [&self.set, &self.remove, &self.add, &self.first];
        if named.iter().filter(|name| name.is_some()).count() != 1 {
            return Err("a header has one of `set`, `remove`, `add` and `first`".to_owned());
        }
        let known = |name: &Text| legal.iter().any(|(legal, _)| legal.as_bytes() == name.0);
        match self.set.as_ref().or(self.remove.as_ref()) {
            Some(name) if !known(name) => {
                Err("there is no such header to set or remove".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn apply(&self, fields: &mut Vec<Field>) {
        let mut value = self.value.0.clone();
        value.resize(self.size.unwrap_or(value.len()), b'a');
        if let Some(name) = &self.set {
            fields
                .iter_mut()
                .filter(|field| field.0 == name.0)
                .for_each(|f| f.1.clone_from(&value));
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

/// The `legal` header list with `changes`.
pub(crate) fn changed(legal: &Legal, changes: &[Change]) -> Vec<Field> {
    let field = |(name, value): &(&str, &str)| ((*name).into(), (*value).into());
    let mut fields: Vec<Field> = legal.iter().map(field).collect();
    for change in changes {
        change.apply(&mut fields);
    }
    fields
}
