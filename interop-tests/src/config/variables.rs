//! The variables of a peers file: names with values that the command line can replace.
//!
//! With them the same peers can run in another directory, or with other versions of their libraries,
//! without a copy of the file.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Deserialize;
use toml::Spanned;

/// The placeholders that are not variables.
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

/// The table `[variables]`: the names with their values.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Variables(BTreeMap<Spanned<String>, String>);

impl Variables {
    /// A name that is not allowed, and why.
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

    /// Whether there is a variable with this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.keys().any(|known| known.get_ref() == name)
    }

    /// Assigns other values; the error lists the names of all variables.
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

    /// `text` with the values in the places of the `{name}`s.
    pub fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{}}}", name.get_ref()), value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(table: &str) -> Variables {
        toml::from_str(table).unwrap()
    }

    #[test]
    fn a_value_replaces_its_placeholder_everywhere() {
        let mut variables = variables("a = \"1\"\nb-2 = \"2\"");
        assert_eq!(variables.fill("{a}/{b-2}/{a} {c}"), "1/2/1 {c}");
        variables.set(&["a=x=y".parse().unwrap()]).unwrap();
        assert_eq!(variables.fill("{a}"), "x=y");
        assert!(variables.has("b-2") && !variables.has("c"));
    }

    #[test]
    fn an_unknown_variable_is_reported_with_those_that_exist() {
        let assignment: Assignment = "c=1".parse().unwrap();
        let error =
            variables("a = \"1\"\nb = \"2\"").set(std::slice::from_ref(&assignment)).unwrap_err();
        assert_eq!(error, "there is no variable `c`; there are: a, b");
        let error = variables("").set(&[assignment]).unwrap_err();
        assert_eq!(error, "there is no variable `c`; there are: none");
        assert_eq!("c".parse::<Assignment>().unwrap_err(), "it is not NAME=VALUE");
    }

    #[test]
    fn a_name_is_neither_a_placeholder_nor_anything_else() {
        let wrong = |table: &str| variables(table).wrong_name().map(|(_, message)| message);
        assert_eq!(wrong("home-1 = \"\""), None);
        for name in ["Home", "ho_me", "\"\""] {
            assert!(wrong(&format!("{name} = \"\"")).unwrap().ends_with("of a-z, 0-9 and -"));
        }
        for name in PLACES {
            assert!(wrong(&format!("{name} = \"\"")).unwrap().ends_with("something already"));
        }
    }
}
