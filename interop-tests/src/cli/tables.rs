//! The tables of all suites, read before anything runs.
//!
//! Other tables than the project's own need not have the suites that compare.

use std::path::Path;

use crate::calls::programs;
use crate::calls::programs::Case;
use crate::calls::scenario;
use crate::calls::scenario::Scenario;
use crate::parity::client::table;
use crate::parity::client::table::Behaviour;
use crate::parity::server::probe;
use crate::parity::server::probe::Probe;

/// What there is to run.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) cases: Vec<Case>,
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) probes: Vec<Probe>,
    pub(crate) behaviours: Vec<Behaviour>,
}

impl Tables {
    /// Reads the tables below `folder`, which is the project's `own` or another.
    pub(crate) fn read(folder: &Path, own: bool) -> anyhow::Result<Self> {
        let is_there = |name: &str| Some(folder.join(name)).filter(|path| own || path.exists());
        Ok(Self {
            cases: programs::read(&folder.join("programs.toml"))?,
            scenarios: scenario::read_all(&folder.join("calls"))?,
            probes: is_there("server-parity")
                .map_or(Ok(Vec::new()), |path| probe::read_all(&path))?,
            behaviours: is_there("client-parity")
                .map_or(Ok(Vec::new()), |path| table::read_all(&path))?,
        })
    }
}
