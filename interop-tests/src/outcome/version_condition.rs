//! A condition on what the reference is made of, such as `grpcio < 1.72` or `protobuf (python)`.
//!
//! Its versions are the lines of a program: each a name, a version and, in brackets, what is unusual
//! about it. A condition is about one name.

use std::str::FromStr;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct VersionCondition {
    name: String,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Below(Vec<u64>),
    From(Vec<u64>),
    /// What stands behind the version, with its brackets.
    Is(String),
}

impl FromStr for VersionCondition {
    type Err = String;

    fn from_str(condition: &str) -> Result<Self, String> {
        let parse = || {
            let (name, rest) = condition.split_once(' ')?;
            let test = match rest.split_once(' ') {
                Some(("<", version)) => Test::Below(numbers(version)?),
                Some((">=", version)) => Test::From(numbers(version)?),
                None if rest.starts_with('(') && rest.ends_with(')') => Test::Is(rest.to_owned()),
                _ => return None,
            };
            Some(Self { name: name.to_owned(), test })
        };
        parse().ok_or_else(|| {
            format!(
                "`{condition}` is none of `NAME < VERSION`, `NAME >= VERSION` and `NAME (WHAT)`"
            )
        })
    }
}

impl VersionCondition {
    /// Whether it is so where the versions are `lines`; the error says why that cannot be told.
    pub(crate) fn holds(&self, lines: &[String]) -> Result<bool, String> {
        let told = lines.iter().find_map(|line| {
            let (name, rest) = line.split_once(' ')?;
            let (version, what) = rest.split_once(' ').unwrap_or((rest, ""));
            (name == self.name).then_some((numbers(version)?, what))
        });
        let (version, what) = told.ok_or_else(|| {
            format!("the reference tells no version of `{}`, but: {}", self.name, lines.join(", "))
        })?;
        Ok(match &self.test {
            Test::Below(bound) => version < *bound,
            Test::From(bound) => version >= *bound,
            Test::Is(asked) => what == asked,
        })
    }
}

/// The numbers of a version, of which those of releases consist.
fn numbers(version: &str) -> Option<Vec<u64>> {
    version.split('.').map(|number| number.parse().ok()).collect()
}
