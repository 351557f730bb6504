//! Compares one method of one peer with the reference: all its cases, one after the other, at servers that have seen
//! the same calls.
//!
//! The trials of a method are its groups of cases. The first trial that runs makes the calls of all of them, because
//! what is unstable at the reference, and so the verdict of the first case, is known only after the last one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::compare::conclusion::{self, Commands};
use crate::compare::coverage::CoverageTally;
use crate::compare::group_run::{GroupRun, Stopped};
use crate::compare::ignored::Ignored;
use crate::compare::plan::{Group, MethodPlan, SourcedGroup};
use crate::compare::probe_run::ProbeRun;
use crate::compare::servers::Servers;
use crate::compare::shrink::Examples;
use crate::compare::tally::{Rules, Strict, Tally};
use crate::compare::wire::run::NoResults;
use crate::config::Restart;
use crate::outcome::{Finding, Need, Needed, Report};
use crate::process::RunContext;

/// How all methods are compared.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) restart: Restart,
    /// How long a server may take for a call.
    pub(crate) call_limit: Duration,
    pub(crate) strict: Strict,
    /// The largest message that the servers accept, in bytes.
    pub(crate) size_limit: usize,
    pub(crate) ignored: Ignored,
}

/// The comparison of one method of one peer.
pub(crate) struct Session {
    pub(crate) plan: MethodPlan,
    pub(crate) settings: Arc<Settings>,
    /// With `restart = "run"`, all methods of a peer share their servers.
    pub(crate) servers: Arc<Mutex<Servers>>,
    pub(crate) context: Arc<RunContext>,
    /// The indices of the selected groups.
    needed: Needed<usize>,
    /// The reports of the groups, after their calls have been made.
    reports: Mutex<Option<BTreeMap<usize, Report>>>,
}

impl Session {
    pub(crate) fn new(
        plan: MethodPlan,
        settings: Arc<Settings>,
        servers: Arc<Mutex<Servers>>,
        context: Arc<RunContext>,
    ) -> Self {
        let (needed, reports) = (Needed::default(), Mutex::default());
        Self { plan, settings, servers, context, needed, reports }
    }

    /// The function that runs the trial of the group with this index.
    pub(crate) fn trial(self: &Arc<Self>, group: usize) -> impl Fn() -> Report + Send + 'static {
        let (need, session) = (self.needed.add(group), Arc::clone(self));
        move || session.report(&need)
    }

    fn report(&self, Need(group): &Need<usize>) -> Report {
        let mut reports = self.reports.lock();
        let reports = reports.get_or_insert_with(|| {
            let selected: Vec<_> = self.needed.take().iter().map(|group| **group).collect();
            self.run_unsuspended(&selected)
        });
        // It has been taken if the trial runs again.
        let again = || self.run_unsuspended(&[**group]).remove(&**group);
        reports.remove(&**group).or_else(again).unwrap_or_else(|| {
            let why = "the case has no report, which is a bug in interop";
            Report::new(Finding::Broken(why.to_owned()))
        })
    }

    /// Makes the calls of the selected groups, again if the run is suspended meanwhile, and returns their reports.
    fn run_unsuspended(&self, selected: &[usize]) -> BTreeMap<usize, Report> {
        // Even if nothing differs: what varies because of a suspension would not be compared.
        let reports = self.context.suspensions.undisturbed(|| self.run(selected));
        reports.unwrap_or_else(|why| {
            let report = || Report::new(Finding::SetUpError(why.to_owned()));
            selected.iter().map(|group| (*group, report())).collect()
        })
    }

    /// Repeats the cases with rare differences at servers that start again: what varies from process to process is
    /// unstable too. The error is why a server does not run.
    fn repeat(
        &self,
        servers: &mut Servers,
        tally: &mut Tally,
        rules: &Rules<'_>,
    ) -> Result<(), String> {
        const TIMES: usize = 3;
        let Self { plan, settings, context, .. } = self;
        let limit = settings.call_limit;
        for _ in 0..TIMES {
            // The calls of a user's case depend on those before.
            let is_repeatable = |index: &usize| {
                let group = plan.groups.get(*index);
                group.is_some_and(|group| matches!(group.group, Group::Cases(_)))
            };
            let mut cases = tally.doubtful();
            cases.retain(|(index, _)| is_repeatable(index));
            if cases.is_empty() {
                break;
            }
            servers.stop();
            for (group, case) in cases {
                let (path, setup) = (plan.path(), &plan.setup);
                let responses = servers.call_references(&path, &case, setup, limit, context)?;
                let Some([reference, again]) = responses else { return Ok(()) };
                tally.add_repetition(group, &case, [&reference, &again], rules);
            }
        }
        Ok(())
    }

    /// Makes the calls of the selected groups, and returns their reports.
    fn run(&self, selected: &[usize]) -> BTreeMap<usize, Report> {
        let Self { plan, settings, context, .. } = self;
        let mut servers = self.servers.lock();
        let _permit = context.busy_permits.acquire();
        let method = plan.method.full_name();
        let groups: Vec<_> =
            plan.groups.iter().map(|group| (group.name(), group.grade())).collect();
        let rules = Rules {
            peer: &plan.peer,
            method,
            groups: &groups,
            types: &plan.types,
            ignored: &settings.ignored,
            strict: settings.strict,
        };
        let (mut tally, mut coverage) = (Tally::default(), CoverageTally::default());
        let (mut durations, mut errors) = (BTreeMap::new(), BTreeMap::new());
        let mut failure = None;
        servers.begin_method();
        for index in selected {
            let Some(SourcedGroup { group, .. }) = plan.groups.get(*index) else { continue };
            let began = Instant::now();
            let run = GroupRun {
                index: *index,
                plan,
                restart: settings.restart,
                limit: settings.call_limit,
                servers: &mut servers,
                rules,
                tally: &mut tally,
                coverage: &mut coverage,
                context,
            };
            match run.run(group) {
                Ok(()) => {}
                Err(Stopped::Group(why)) => drop(errors.insert(*index, why)),
                Err(Stopped::Method(why)) => {
                    failure = Some(why);
                    break;
                }
            }
            durations.insert(*index, began.elapsed());
        }
        let performance = servers.take_performance();
        if failure.is_none() {
            failure = self.repeat(&mut servers, &mut tally, &rules).err();
        }
        // Servers that start again for each case would take too long.
        if failure.is_none() && settings.restart != Restart::Case {
            let limit = settings.call_limit;
            let (servers, tally) = (&mut *servers, &mut tally);
            Examples { plan, limit, servers, rules, tally, context }.shrink();
        }
        let mut not_supported = None;
        if failure.is_none() {
            let probes = ProbeRun {
                plan,
                selected,
                size_limit: settings.size_limit,
                limit: settings.call_limit,
                servers: &mut servers,
                rules,
                tally: &mut tally,
                coverage: &mut coverage,
                durations: &mut durations,
                context,
            };
            match probes.run() {
                Ok(()) => {}
                Err(NoResults::NoServer(why)) => failure = Some(why),
                Err(NoResults::Unsuitable(why)) => not_supported = Some(why),
            }
        }
        let commands = Commands::of(&mut servers, context);
        if settings.restart != Restart::Run {
            servers.stop();
        }
        drop(servers);
        conclusion::Conclusion {
            plan,
            tally: &tally,
            selected,
            durations: &durations,
            commands: &commands,
            failure: failure.as_deref(),
            errors: &errors,
            not_supported: not_supported.as_deref(),
        }
        .reports(coverage, performance)
    }
}
