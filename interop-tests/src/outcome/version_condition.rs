//! A condition on what the reference is made of, such as `grpcio < 1.72` or `protobuf (python)`.
//!
//! Its versions are the lines of a program: each a name, a version and, in parentheses, what is unusual
//! about it. A condition is about one name. Python packages compare by PEP 440, under which `1.80.0rc1` is
//! a version.

use std::str::FromStr;

use pep440_rs::Version;

/// What is demanded of the version of one name.
#[derive(Clone, Debug)]
pub(crate) struct VersionCondition {
    name: String,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Below(Version),
    From(Version),
    /// What follows the version, with its parentheses.
    Is(String),
}

impl FromStr for VersionCondition {
    type Err = String;

    fn from_str(condition: &str) -> Result<Self, String> {
        let parse = || {
            let (name, rest) = condition.split_once(' ')?;
            let test = match rest.split_once(' ') {
                Some(("<", version)) => Test::Below(version.parse().ok()?),
                Some((">=", version)) => Test::From(version.parse().ok()?),
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
    /// Whether the condition holds where the versions are `lines`; the error says why that is unknown.
    pub(crate) fn holds(&self, lines: &[String]) -> Result<bool, String> {
        let line = lines.iter().find_map(|line| {
            let (name, rest) = line.split_once(' ')?;
            let (version, what) = rest.split_once(' ').unwrap_or((rest, ""));
            (name == self.name).then_some((version.parse::<Version>().ok()?, what))
        });
        let (version, what) = line.ok_or_else(|| {
            format!("the reference tells no version of `{}`, but: {}", self.name, lines.join(", "))
        })?;
        Ok(match &self.test {
            Test::Below(bound) => version < *bound,
            Test::From(bound) => version >= *bound,
            Test::Is(expected) => what == expected,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(condition: &str, line: &str) -> Result<bool, String> {
        condition
            .parse::<VersionCondition>()?
            .holds(&["CPython 3.11.7".to_owned(), line.to_owned()])
    }

    #[test]
    fn versions_compare_as_those_of_python_packages() {
        for (condition, line, expected) in [
            ("grpcio < 1.85", "grpcio 1.84.1", true),
            ("grpcio < 1.85", "grpcio 1.85", false),
            ("grpcio < 1.85", "grpcio 1.85.0", false),
            ("grpcio < 1.100", "grpcio 1.85.1", true),
            ("grpcio < 1.80", "grpcio 1.80.0rc1", true),
            ("grpcio >= 1.80.0rc1", "grpcio 1.80.0", true),
            ("grpcio >= 1.80", "grpcio 1.80.0rc1", false),
            ("grpcio >= 1.80", "grpcio 1.80.0.post1", true),
            ("protobuf (python)", "protobuf 7.36.2 (python)", true),
            ("protobuf (python)", "protobuf 7.36.2", false),
            ("protobuf < 8", "protobuf 7.36.2 (python)", true),
        ] {
            assert_eq!(holds(condition, line), Ok(expected), "{condition} of {line}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for wrong in ["grpcio", "grpcio 2", "grpcio < newest", "grpcio == 1", "grpcio (python"] {
            let error = holds(wrong, "grpcio 1").expect_err(wrong);
            assert!(error.starts_with(&format!("`{wrong}` is none of ")), "{error}");
        }
    }

    #[test]
    fn a_version_that_is_unknown_is_an_error() {
        let error = holds("grpcio < 2", "protobuf 7").expect_err("no such name");
        assert_eq!(
            error,
            "the reference tells no version of `grpcio`, but: CPython 3.11.7, protobuf 7"
        );
        holds("grpcio < 2", "grpcio unknown").expect_err("no version");
    }
}
