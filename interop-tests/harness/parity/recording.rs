//! Recording the goldens: every probe at the live reference, more than once.
//!
//! An answer that does not come again is not recorded: the probe has to say first why it is not
//! stable, or goldens would differ from one machine to the next.

use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, bail};

use super::golden::Goldens;
use super::observation::Observation;
use super::probe::Probe;
use super::reference::Reference;
use crate::harness::finding::Finding;
use crate::harness::setting::Setting;

/// How often each probe is played.
const ROUNDS: usize = 3;

/// Plays all `probes` at `reference` and writes what it answered to `path`; gives what changed.
pub(crate) fn record(
    reference: &Reference,
    probes: &[Probe],
    side_by_side: usize,
    setting: &Setting,
    path: &Path,
) -> anyhow::Result<Vec<String>> {
    let versions = reference.versions(setting).map_err(anyhow::Error::msg)?;
    let next = AtomicUsize::new(0);
    let answers = Mutex::new(vec![None; probes.len()]);
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(probe) = probes.get(index) else { return };
            let answer = answers_to(probe, reference, setting);
            answers.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(answer);
        }
    };
    thread::scope(|scope| {
        for _ in 0..side_by_side {
            scope.spawn(work);
        }
    });
    let mut goldens = Goldens { versions, answers: Vec::new() };
    let mut wrong = Vec::new();
    let answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (probe, answer) in probes.iter().zip(answers.into_iter().flatten()) {
        match answer {
            Ok(answers) => goldens.answers.push((probe.name().to_owned(), answers)),
            Err(why) => wrong.push(format!("{}: {why}", probe.name())),
        }
    }
    if !wrong.is_empty() {
        bail!("nothing is recorded, because of\n{}", wrong.join("\n"));
    }
    let changes = goldens.changes(&Goldens::read(path).unwrap_or_default());
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    std::fs::write(path, goldens.to_string())
        .with_context(|| format!("goldens cannot be written: {}", path.display()))?;
    Ok(changes)
}

fn answers_to(
    probe: &Probe,
    reference: &Reference,
    setting: &Setting,
) -> Result<Vec<Observation>, String> {
    let mut seen: Vec<Observation> = Vec::new();
    for _ in 0..ROUNDS {
        let observation = reference.observe(probe, setting).map_err(|finding| match finding {
            Finding::SetUpError(why) => why,
            other => format!("{other:?}"),
        })?;
        if !seen.contains(&observation) {
            seen.push(observation);
        }
    }
    let also = probe.also();
    match (&seen[..], also) {
        ([answer], []) => Ok(vec![answer.clone()]),
        (_, []) => {
            let seen: Vec<_> = seen.iter().map(Observation::to_string).collect();
            Err(format!("not stable; it was seen to answer\n{}", seen.join("or\n")))
        }
        _ => match seen.iter().find(|observation| !also.contains(observation)) {
            Some(new) => Err(format!("an answer that `also` does not list:\n{new}")),
            None => Ok(also.to_vec()),
        },
    }
}
