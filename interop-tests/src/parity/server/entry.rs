//! A probe as the text of its `[[probe]]` entry.
//!
//! Only keys without their default value are written, so that an entry shows what is unusual.

use toml::{Table, Value};

use crate::outcome::verdict::Grade;
use crate::parity::baseline::case::Case;
use crate::parity::server::probe::{self, Probe};

/// The entry of `probe`.
pub(crate) fn entry(probe: &Probe) -> Result<String, String> {
    entry_named(probe, probe.name())
}

/// The entry of `probe` under another name.
pub(crate) fn entry_named(probe: &Probe, name: &str) -> Result<String, String> {
    let table = |probe: &Probe| Table::try_from(probe).map_err(|error| error.to_string());
    let default = table(&probe::from_entry(&head("default", probe.grade))?)?;
    let unusual = table(probe)?.into_iter().filter(|(key, value)| default.get(key) != Some(value));
    let lines = unusual.map(|(key, value)| format!("{key} = {}\n", shown(&value)));
    Ok(head(name, probe.grade) + &lines.collect::<String>())
}

fn head(name: &str, grade: Grade) -> String {
    format!("[[probe]]\nname = \"{name}\"\ngrade = \"{grade}\"\n")
}

/// On one line, or a long list with a line for each element.
fn shown(value: &Value) -> String {
    const LONG: usize = 80;
    let line = value.to_string();
    match value {
        Value::Array(items) if line.len() > LONG && items.len() > 1 => {
            let items: Vec<_> = items.iter().map(Value::to_string).collect();
            format!("[\n    {},\n]", items.join(",\n    "))
        }
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::entry;
    use crate::parity::server::probe;

    #[test]
    fn an_entry_has_only_what_is_unusual() {
        let usual = "[[probe]]\nname = \"mine\"\ngrade = \"client-visible\"\n";
        let probe = probe::from_entry(&format!("{usual}about = \"x\"\nend = \"last-frame\"\n"));
        assert_eq!(entry(&probe.expect("a probe")).expect("an entry"), usual);
    }

    #[test]
    fn an_entry_is_read_back_as_it_was_written() {
        let text = r#"[[probe]]
name = "mine"
grade = "edge"
acknowledge-settings = "never"
actions = [
    "headers",
    { body-to = 7 },
    { settings = [[4, 100], [3, 1]] },
    { frame = { flags = 4, payload = "00ff", type = 1 } },
    { goaway = { code = 2 } },
    "next-stream",
]
body = [{ compressed = "raw-deflate", value = "0x41800000" }, { message = "0d" }]
cut = { every = 3 }
end = "empty-frame"
headers = [{ set = ":path", value = '\x00\\"a' }, { add = "x-{n}", times = 3 }]
pad = 5
preface = '\xff'
priority = true
times = 2
"#;
        let probe = probe::from_entry(text).expect("a probe");
        assert_eq!(entry(&probe).expect("an entry"), text);
    }
}
