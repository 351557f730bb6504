//! The variables of a peers file.
//!
//! With variables, the same peers can run in another directory or with other versions of their libraries without a copy
//! of the file.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Deserialize;
use toml::Spanned;

use crate::config::program::reserved_placeholders;
use crate::config::template::{Template, is_name};

/// A `NAME=VALUE` argument of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

/// The table `[variables]`: names and values.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Variables(BTreeMap<Spanned<String>, Template>);

impl Variables {
    /// The first invalid name, with an error message.
    pub(crate) fn wrong_name(&self) -> Option<(&Spanned<String>, String)> {
        self.0.keys().find_map(|name| {
            let word = name.get_ref();
            if !is_name(word) {
                Some((name, format!("variable `{word}`: a name begins with a-z and contains only a-z, 0-9 and -")))
            } else if reserved_placeholders().any(|reserved| reserved == word) {
                Some((name, format!("variable `{word}`: the placeholder {{{word}}} is reserved; choose another name")))
            } else {
                None
            }
        })
    }

    /// The names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|name| &name.get_ref()[..])
    }

    /// The values by name.
    pub(crate) fn values(&self) -> BTreeMap<String, Template> {
        self.0.iter().map(|(name, value)| (name.get_ref().clone(), value.clone())).collect()
    }

    /// Assigns values. The error lists the names of all variables.
    pub(crate) fn set(&mut self, assignments: &[Assignment]) -> Result<(), String> {
        for Assignment { name, value } in assignments {
            let slot = self.0.iter_mut().find(|(known, _)| known.get_ref() == name);
            if let Some((_, known)) = slot {
                *known = Template::parse(value);
                continue;
            }
            let names: Vec<_> = self.names().collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(format!("there is no variable `{name}`; the variables are: {known}"));
        }
        Ok(())
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
        let fill = |variables: &Variables| {
            let mut template = Template::parse("{a}/{b-2}/{a} {c}");
            template.expand(&variables.values());
            template.to_string()
        };
        assert_eq!(fill(&variables), "1/2/1 {c}");
        variables.set(&["a=x=y".parse().unwrap()]).unwrap();
        assert_eq!(fill(&variables), "x=y/2/x=y {c}");
        assert!(variables.names().eq(["a", "b-2"]));
    }

    #[test]
    fn an_unknown_variable_is_reported_with_those_that_exist() {
        let assignment: Assignment = "c=1".parse().unwrap();
        let error =
            variables("a = \"1\"\nb = \"2\"").set(std::slice::from_ref(&assignment)).unwrap_err();
        assert_eq!(error, "there is no variable `c`; the variables are: a, b");
        let error = variables("").set(&[assignment]).unwrap_err();
        assert_eq!(error, "there is no variable `c`; the variables are: none");
        assert_eq!("c".parse::<Assignment>().unwrap_err(), "expected NAME=VALUE");
    }

    #[test]
    fn a_name_must_be_valid_and_not_reserved() {
        let wrong = |table: &str| variables(table).wrong_name().map(|(_, message)| message);
        assert_eq!(wrong("home-1 = \"\""), None);
        for name in ["Home", "ho_me", "1-a", "\"\""] {
            assert!(wrong(&format!("{name} = \"\"")).unwrap().ends_with("only a-z, 0-9 and -"));
        }
        for name in reserved_placeholders() {
            assert!(wrong(&format!("{name} = \"\"")).unwrap().contains("is reserved"));
        }
    }
}
