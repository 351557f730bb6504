//! Recording the goldens: every case at the live reference, more than once.
//!
//! An answer that does not come again is not recorded: the case has to say first why it is not
//! stable, or goldens would differ from one machine to the next.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, bail};

use crate::outcome::finding::Finding;
use crate::outcome::observation::Observation;
use crate::parity::baseline::case::{Case, Reference};
use crate::parity::baseline::goldens::Goldens;
use crate::process::context::RunContext;

/// How often each case is played.
const ROUNDS: usize = 3;

/// A file of goldens that is to be written.
pub(crate) struct Recording<'a, R: Reference> {
    pub(crate) reference: &'a R,
    pub(crate) cases: &'a [Arc<R::Case>],
    pub(crate) side_by_side: usize,
    pub(crate) context: &'a RunContext,
    /// What a reader of the file should know.
    pub(crate) heading: &'a str,
    pub(crate) path: &'a Path,
}

impl<R: Reference> Recording<'_, R> {
    /// Plays all cases at the reference and writes what it did; gives the names of those whose
    /// goldens have changed.
    pub(crate) fn write(&self) -> anyhow::Result<Vec<String>> {
        let Self { reference, cases, context, path, .. } = *self;
        let versions = reference.versions(context).map_err(anyhow::Error::msg)?;
        let next = AtomicUsize::new(0);
        let answers = Mutex::new(vec![None; cases.len()]);
        let work = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(case) = cases.get(index) else { return };
                let answer = answers_to(case, reference, context);
                answers.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(answer);
            }
        };
        thread::scope(|scope| {
            for _ in 0..self.side_by_side {
                scope.spawn(work);
            }
        });
        let mut goldens = Goldens { versions, answers: Vec::new() };
        let mut wrong = Vec::new();
        let answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (case, answer) in cases.iter().zip(answers.into_iter().flatten()) {
            match answer {
                Ok(answers) => goldens.answers.push((case.name().to_owned(), answers)),
                Err(why) => wrong.push(format!("{}: {why}", case.name())),
            }
        }
        if !wrong.is_empty() {
            bail!("nothing is recorded, because of\n{}", wrong.join("\n"));
        }
        let changes = goldens.changes(&Goldens::read(path).unwrap_or_default());
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        std::fs::write(path, goldens.text(self.heading))
            .with_context(|| format!("goldens cannot be written: {}", path.display()))?;
        Ok(changes)
    }
}

fn answers_to<R: Reference>(
    case: &Arc<R::Case>,
    reference: &R,
    context: &RunContext,
) -> Result<Vec<Observation>, String> {
    let mut seen: Vec<Observation> = Vec::new();
    for _ in 0..ROUNDS {
        let observation = reference.observe(case, context).map_err(|finding| match finding {
            Finding::SetUpError(why) | Finding::ReferenceHung(why) => why,
            other => format!("{other:?}"),
        })?;
        if !seen.contains(&observation) {
            seen.push(observation);
        }
    }
    let also = case.also();
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
