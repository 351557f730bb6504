//! The merge of the records of shards, which is possible only if they belong together.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

use crate::run;
use crate::run::Ran;
use crate::run::Run;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("record-merge/shards-are-parts-of-the-whole", shards_are_parts_of_the_whole),
        ("record-merge/merges-all-shards", merges_all_shards),
        ("record-merge/records-that-do-not-belong-together", records_that_do_not_belong_together),
        ("record-merge/invalid-shards", invalid_shards),
    ])
}

fn listed(run: Run) -> BTreeSet<String> {
    let ran = run.and("--list").finish();
    ran.stdout.lines().filter(|line| line.ends_with(": test")).map(str::to_owned).collect()
}

fn shards_are_parts_of_the_whole() {
    let all = listed(Run::of_mutants(""));
    let shards: Vec<_> = (1..=4)
        .map(|index| listed(Run::of_mutants("").with("--shard", &format!("{index}/4"))))
        .collect();
    assert_eq!(
        shards.iter().map(BTreeSet::len).sum::<usize>(),
        all.len(),
        "no trial should be in two shards"
    );
    assert_eq!(
        shards.iter().flatten().cloned().collect::<BTreeSet<_>>(),
        all,
        "every trial should be in a shard"
    );
    for shard in &shards {
        let fair = all.len() / 4;
        assert!(
            (fair * 8 / 10..fair * 12 / 10).contains(&shard.len()),
            "{} of {}",
            shard.len(),
            all.len()
        );
    }
    // A filter excludes trials, but does not move a trial to another shard.
    let filtered = listed(Run::of_mutants("calls/rust/rust/root").with("--shard", "2/4"));
    assert!(!filtered.is_empty() && filtered.is_subset(&shards[1]));
}

fn shard(index: u64) -> Ran {
    let run = Run::of_mutants("calls/one-wrong-answer/rust/root-of-")
        .with("--shard", &format!("{index}/2"));
    run.skipping(&run::BEYOND_SQUARE_ROOT).finish()
}

fn file(ran: &Ran) -> PathBuf {
    ran.reports().join("report.json")
}

fn merge(records: &[&Path]) -> Ran {
    Run::with_records("merge", records).finish()
}

fn merges_all_shards() {
    let (one, two) = (shard(1), shard(2));
    let merged = merge(&[&file(&two), &file(&one)]);
    merged.ends_with_status(101).prints("calls/one-wrong-answer/rust/root-of-2-is-rounded");
    let names = |ran: &Ran| {
        let record = ran.record();
        let trials = record["trials"].as_array().expect("not an array").clone();
        trials
            .iter()
            .map(|trial| trial["name"].as_str().expect("not a string").to_owned())
            .collect::<Vec<_>>()
    };
    let mut expected = [names(&one), names(&two)].concat();
    expected.sort();
    assert!(expected.len() > 5);
    assert_eq!(names(&merged), expected);
    let record = merged.record();
    assert_eq!(record["state"], "finished");
    assert!(record["selection"]["shard"].is_null());
    assert_eq!(record["selection"]["chosen"], expected.len());
    assert_eq!(record["counts"]["failed"], 1);
    assert_eq!(record["counts"]["passed"], expected.len() - 1);
    for name in ["report.html", "junit.xml", "summary.md"] {
        assert!(merged.reports().join(name).exists(), "{name}");
    }
}

fn records_that_do_not_belong_together() {
    let (one, two) = (shard(1), shard(2));
    let refused = |records: &[&Path], message: &str| {
        merge(records).ends_with_status(2).prints(message);
    };
    refused(&[&file(&two)], "the records of these shards are missing: 1");
    refused(&[&file(&one), &file(&one)], "are both shard 1/2");
    let whole = Run::of_mutants("calls/one-wrong-answer/rust/root-of-16").finish();
    refused(&[&file(&one), &file(&whole)], "is not the record of a shard");
    let changed = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut record = two.record();
        change(&mut record);
        let path = two.folder.path().join("changed.json");
        std::fs::write(&path, record.to_string()).expect("cannot write a file");
        path
    };
    let other = changed(&|record| record["selection"]["names"] = "1".into());
    refused(&[&file(&one), &other], " have different trials");
    let other = changed(&|record| record["selection"]["shard"]["count"] = 3.into());
    refused(&[&other, &file(&one)], " is listed twice, or belongs to another shard");
    let other = changed(&|record| record["peers"][0]["versions"] = serde_json::json!(["x 2"]));
    refused(&[&file(&one), &other], " have different versions of peers");
}

fn invalid_shards() {
    for wrong in ["0/4", "5/4", "1", "a/b", "1/0", "1/4/2"] {
        let ran = Run::new().with("--shard", wrong).finish();
        ran.ends_with_status(2)
            .prints("a shard must have the form K/N with 1 <= K <= N, such as 1/4");
    }
}
