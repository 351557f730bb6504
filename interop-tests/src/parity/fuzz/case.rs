//! A random case: a probe of the suite with a few mutations, drawn from the seed and its number.
//!
//! What comes out is read back from its own entry, so that the request that is played is exactly
//! the one that would be printed.

use crate::http2::action::Action;
use crate::http2::body;
use crate::http2::header_block;
use crate::http2::script::End;
use crate::outcome::deviations::Class;
use crate::outcome::verdict::Grade;
use crate::parity::baseline::case::Case as _;
use crate::parity::fuzz::body_mutation;
use crate::parity::fuzz::frame_mutation;
use crate::parity::fuzz::header_mutation;
use crate::parity::fuzz::random::Random;
use crate::parity::server::entry::entry;
use crate::parity::server::probe;
use crate::parity::server::probe::{Acknowledge, Probe};

/// From what cases are drawn.
pub(crate) struct Deck<'a> {
    bases: Vec<&'a Probe>,
    /// Also what no legal client sends.
    edge: bool,
}

/// How often a case is drawn anew before its probe is taken as it is.
const DRAWS: usize = 200;

/// Of requests that make a server wait, or take long to send, one in so many is kept.
const SLOW: usize = 8;

/// More bytes of body than this do not go out at once: how much of them is sent before an early
/// answer is a matter of time, and how the stream ends with it.
const WINDOW: usize = 65_535;

/// Between these sizes of metadata, in bytes, the reference turns calls away at random.
const DICE: std::ops::RangeInclusive<usize> = 8_193..=16_384;

impl<'a> Deck<'a> {
    /// Bursts are left out, and what the reference answers by chance: both remain so when mutated.
    pub(crate) fn new(probes: &'a [Probe], edge: bool) -> Self {
        let mut deck = Self { bases: Vec::new(), edge };
        let is_base =
            |probe: &&Probe| probe.also().is_empty() && !probe.is_burst() && deck.allows(probe);
        deck.bases = probes.iter().filter(is_base).collect();
        deck
    }

    /// Whether a case may be like this.
    pub(crate) fn allows(&self, probe: &Probe) -> bool {
        // The ledger excuses these with what is answered instead, which is another thing for each
        // message; only requests that are refused as a whole can be told from their answer.
        const LENIENT: [Class; 5] = [
            Class::Fragment,
            Class::Padding,
            Class::FastPings,
            Class::EarlyHalfClose,
            Class::ForbiddenFrames,
        ];
        let forbidden = if self.edge { &LENIENT[..] } else { &Class::ALL[..] };
        (self.edge || probe.grade == Grade::ClientVisible)
            && !forbidden.iter().any(|class| class.contains(probe))
            && !is_left_to_chance(probe)
            && !races_with_its_deadline(probe)
            && !is_lost_on_the_way(probe)
            && body::bytes(&probe.body).len() * probe.times <= WINDOW
    }

    /// The case with this number.
    pub(crate) fn draw(&self, seed: u64, case: u64) -> Result<Probe, String> {
        let mut random = Random::of_case(seed, case);
        let name = format!("fuzz-{seed}-{case}");
        let mut drawn = None;
        for _ in 0..DRAWS {
            let probe = self.mutated(&mut random).ok_or("there are no probes to mutate")?;
            if self.allows(&probe)
                && (!is_slow(&probe) || (probe.times == 1 && random.one_in(SLOW)))
            {
                drawn = Some(probe);
                break;
            }
        }
        let probe = drawn.ok_or_else(|| format!("case {case}: nothing that may be sent"))?;
        let entry = entry(&probe.renamed(&name))?;
        probe::from_entry(&entry).map_err(|error| format!("case {case}: {error}\n{entry}"))
    }

    fn mutated(&self, random: &mut Random) -> Option<Probe> {
        let base = self.bases.get(random.below(self.bases.len()))?;
        let other = self.bases.get(random.below(self.bases.len()))?;
        let mut probe = (*base).clone();
        for _ in 0..=random.size(4) {
            match random.below(5) {
                0 | 1 => header_mutation::mutate(&mut probe.headers, &other.headers, random),
                2 | 3 => body_mutation::mutate(&mut probe, &other.body, random),
                _ => frame_mutation::mutate(&mut probe, random),
            }
        }
        Some(probe)
    }
}

/// Whether the reference throws dice, as it does with much metadata once its limit is acknowledged.
fn is_left_to_chance(probe: &Probe) -> bool {
    /// What HTTP/2 counts for a field beside its name and value.
    const OVERHEAD: usize = 32;
    let fields = probe.header_list();
    let size = |part: fn(usize) -> usize| -> usize {
        let value = |(name, value): &header_block::Field| {
            let is_binary = name.ends_with(b"-bin");
            let length = if is_binary { part(value.len()) } else { value.len() };
            name.len() + length + OVERHEAD
        };
        fields.iter().map(value).sum()
    };
    // Binary values count as what they are decoded to.
    let (least, most) = (size(|length| length / 4 * 3), size(|length| length));
    // So it does with a message of no known kind that comes later than its header fields.
    let is_unknown = body::bytes(&probe.body).first().is_some_and(|flag| *flag > 1);
    // And a client that resets a stream may have an answer already, or not.
    let resets = probe.actions.iter().any(|action| matches!(action, Action::Reset(_)));
    // And a deadline is listed among too much metadata as the time that is left.
    let has_deadline = fields.iter().any(|(name, _)| name == b"grpc-timeout");
    resets
        || (has_deadline && most >= *DICE.start())
        || (is_unknown && probe.actions.len() > 2)
        || probe.acknowledge_settings == Acknowledge::Before
            && most >= *DICE.start()
            && least <= *DICE.end()
}

/// Whether the answer and the deadline come at about the same time, so that either may win.
fn races_with_its_deadline(probe: &Probe) -> bool {
    /// Long enough for any answer on a busy machine, in nanoseconds.
    const LONG: u64 = 2_000_000_000;
    let is_short = |value: &[u8]| {
        let text = String::from_utf8_lossy(value);
        let text = text.trim();
        let (digits, unit) = text.split_at(text.trim_end_matches(|c| !char::is_numeric(c)).len());
        let nanoseconds = match unit.trim() {
            "n" => 1,
            "u" => 1_000,
            "m" => 1_000_000,
            _ => 1_000_000_000,
        };
        let number = digits.parse::<u64>().unwrap_or(u64::MAX);
        number > 0 && number.saturating_mul(nanoseconds) < LONG
    };
    let waits_for_more = probe.end == End::Never && probe.body.is_empty();
    !waits_for_more
        && probe
            .header_list()
            .iter()
            .any(|(name, value)| name == b"grpc-timeout" && is_short(value))
}

/// Whether a field comes again after others: the http crate keeps those of one name together, so
/// that a server in Rust cannot tell which one that is wrong came first. Without an authority, hyper
/// drops the scheme, whose length is a part of one text.
fn is_lost_on_the_way(probe: &Probe) -> bool {
    let fields = probe.header_list();
    let mut names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
    names.dedup();
    let groups = names.len();
    names.sort();
    names.dedup();
    let has = |wanted: &[u8]| fields.iter().any(|(name, _)| name == wanted);
    let is_https = fields.iter().any(|(name, value)| name == b":scheme" && value != b"http");
    groups > names.len() || (is_https && !has(b":authority"))
}

/// Whether servers may wait for more, or for a thread, before they answer or instead of it.
pub(crate) fn is_slow(probe: &Probe) -> bool {
    let is_whole = probe.actions.iter().any(|action| matches!(action, Action::Body));
    let ends = |action: &Action| matches!(action, Action::Goaway(_) | Action::HalfClose);
    let closes = |action: &Action| matches!(action, Action::Settings(s) if s.contains(&(4, 0)));
    let post = (b":method".to_vec(), b"POST".to_vec());
    probe.end == End::Never
        || probe.preface.is_some()
        || !is_whole
        || probe.actions.iter().any(|action| ends(action) || closes(action))
        || !probe.header_list().contains(&post)
}
