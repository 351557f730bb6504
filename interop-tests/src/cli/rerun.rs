//! The commands that repeat a trial or a random request.

use crate::cli::options::{BaselineChoice, Comparison, FuzzOptions, Inputs, RunOptions};
use crate::config::Assignment;

/// The options that affect the existence or the result of a trial or a random request.
fn selection(inputs: &Inputs, comparison: &Comparison) -> String {
    let Inputs { peers, scenarios, goldens, bin, set, .. } = inputs;
    let Comparison {
        attach, baseline, deviations, strict_bytes, strict_edge, allow_writes, ..
    } = comparison;
    let files = [
        ("--peers", peers),
        ("--deviations", deviations),
        ("--scenarios", scenarios),
        ("--goldens", goldens),
        ("--bin", bin),
    ];
    let files = files
        .into_iter()
        .filter_map(|(option, path)| Some(format!("{option} {} ", path.as_ref()?.display())));
    let baseline = match baseline {
        BaselineChoice::Auto => None,
        BaselineChoice::Live => Some("--baseline live ".to_owned()),
        BaselineChoice::Golden => Some("--baseline golden ".to_owned()),
    };
    let set = set.iter().map(|Assignment { name, value }| format!("--set {name}={value} "));
    let attach = attach.iter().map(|attached| format!("--attach {} ", attached.text));
    let strict = [
        (strict_bytes, "--strict-bytes "),
        (strict_edge, "--strict-edge "),
        (allow_writes, "--allow-writes "),
    ];
    let strict = strict.into_iter().filter(|(is_set, _)| **is_set).map(|(_, text)| text.to_owned());
    files.chain(set).chain(baseline).chain(attach).chain(strict).collect()
}

impl RunOptions {
    /// The command that reruns the trial `{trial}`, with all options that affect its existence or verdict. In a
    /// checkout the command builds the programs first.
    pub(crate) fn rerun_command(&self, in_checkout: bool) -> String {
        let via = self.via.iter().fold(String::new(), |all, proxy| all + "--via " + proxy + " ");
        let selection = selection(&self.inputs, &self.comparison);
        let arguments = format!("{selection}{via}--exact {{trial}}");
        if in_checkout {
            format!("make interop ARGS='{arguments}'")
        } else {
            format!("interop run {arguments}")
        }
    }
}

impl FuzzOptions {
    /// The command that sends the requests with `seed` again: only the one with this number, or those before it too.
    pub(crate) fn rerun_command(&self, seed: u64, number: u64, is_alone: bool) -> String {
        let Self { filter, edge, comparison, inputs, .. } = self;
        let filter = filter.as_ref().map(|filter| format!("{filter} ")).unwrap_or_default();
        let edge = if *edge { "--edge " } else { "" };
        let requests =
            if is_alone { format!("--case {number}") } else { format!("--count {}", number + 1) };
        let options = selection(inputs, comparison);
        format!("interop fuzz {options}{filter}{edge}--seed {seed} {requests}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::options::Command;

    fn parse(words: &str) -> Command {
        let words = std::iter::once("interop").chain(words.split_whitespace());
        Command::parse(words).expect("the options are valid")
    }

    #[test]
    fn a_rerun_has_the_relevant_options() {
        let words = "x --peers p --set a=b --baseline live --attach rust=h:1 --trace --output o --via nginx";
        let Command::Run(options) = parse(words) else { panic!("{words}") };
        let expected =
            "--peers p --set a=b --baseline live --attach rust=h:1 --via nginx --exact {trial}";
        assert_eq!(options.rerun_command(true), format!("make interop ARGS='{expected}'"));
        assert_eq!(options.rerun_command(false), format!("interop run {expected}"));
    }

    #[test]
    fn a_random_request_is_repeated_with_the_same_draws() {
        let words = "fuzz rust/Get --peers p --edge --allow-writes --count 9 --seed 1";
        let Command::Fuzz(options) = parse(words) else { panic!("{words}") };
        let expected = "interop fuzz --peers p --allow-writes rust/Get --edge --seed 1";
        assert_eq!(options.rerun_command(1, 7, true), format!("{expected} --case 7"));
        assert_eq!(options.rerun_command(1, 7, false), format!("{expected} --count 8"));
        let repeated = parse(options.rerun_command(1, 7, true).trim_start_matches("interop "));
        assert!(matches!(repeated, Command::Fuzz(FuzzOptions { case: Some(7), .. })));
    }
}
