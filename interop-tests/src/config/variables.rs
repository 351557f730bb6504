//! The variables of a file of peers: names with values that the command line can replace.
//!
//! So that the same peers can be run from another folder, or made of other versions, without a copy of
//! the file that would have to be kept like it.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Deserialize;
use toml::Spanned;

/// What `{…}` stands for without being a variable.
const PLACES: [&str; 5] = ["root", "bin", "self", "address", "port"];

/// `NAME=VALUE`, of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub name: String,
    pub value: String,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("it is not NAME=VALUE")?;
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

/// The table `[variables]`: each name with its value, unless the command line has another.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Variables(BTreeMap<Spanned<String>, String>);

impl Variables {
    /// A name that cannot be one, and why.
    pub fn wrong_name(&self) -> Option<(&Spanned<String>, String)> {
        self.0.keys().find_map(|name| {
            let word = name.get_ref();
            let of_a_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if word.is_empty() || !word.chars().all(of_a_name) {
                Some((name, format!("variable `{word}`: a name is of a-z, 0-9 and -")))
            } else if PLACES.contains(&&word[..]) {
                Some((name, format!("variable `{word}`: {{{word}}} stands for something already")))
            } else {
                None
            }
        })
    }

    /// Whether there is one called `name`.
    pub fn has(&self, name: &str) -> bool {
        self.0.keys().any(|known| known.get_ref() == name)
    }

    /// Gives them other values; the error lists those that there are.
    pub fn set(&mut self, assignments: &[Assignment]) -> Result<(), String> {
        for Assignment { name, value } in assignments {
            let slot = self.0.iter_mut().find(|(known, _)| known.get_ref() == name);
            if let Some((_, known)) = slot {
                known.clone_from(value);
                continue;
            }
            let names: Vec<_> = self.0.keys().map(|known| &known.get_ref()[..]).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(format!("there is no variable `{name}`; there are: {known}"));
        }
        Ok(())
    }

    /// `text` with the value of each in the place of its `{name}`.
    pub fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{}}}", name.get_ref()), value)
        })
    }
}
