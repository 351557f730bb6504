//! Draws random requests: a call of a method, or a request that differs from a call below the level of messages.
//!
//! A request depends only on the seed, its number, and the descriptors and probes: not on the servers, and not on the
//! speed of the machine.

use std::sync::Arc;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use prost_reflect::MethodDescriptor;

use crate::compare::case::Case;
use crate::compare::generated::{Bounds, random};
use crate::compare::wire::selection::{self, Probes};
use crate::probe::adaptation::percent_encoded;
use crate::probe::mutation::generator::Generator;
use crate::probe::mutation::random::Random;
use crate::probe::mutation::requests::Requests;
use crate::probe::table::Probe;
use crate::probe::target::Target;

/// One in this number of requests is a probe. Probes take a hundred times as long as calls.
const PROBES: usize = 5;

/// The limits of generated values. Long ones would take most of the time.
const BOUNDS: Bounds = Bounds { depth: 3, groups: 0, pairs: 0, many: 20, long: 2_000 };

/// The range of deadlines in milliseconds: longer than any response takes.
const DEADLINES: std::ops::Range<usize> = 10_000..30_000;

/// Characters of names of metadata.
const NAME: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789-_.";

/// Characters of values of metadata: those that may be written in a case file as they are.
const VALUE: &[u8] = b"abcxyzABCXYZ0123456789 !\"#$%&'()*+,-./:;<=>?@[\\]^_`|~";

/// Which requests are drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kinds {
    pub(crate) calls: bool,
    pub(crate) probes: bool,
    /// Whether probes may violate the protocol.
    pub(crate) edge: bool,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) enum Drawn {
    Call(Case),
    Probe(Arc<Probe>),
}

/// The requests of a run.
#[derive(Debug)]
pub(crate) struct Draws {
    seed: u64,
    calls: bool,
    pub(crate) methods: Vec<DrawnMethod>,
}

/// A method to which requests are sent.
#[derive(Debug)]
pub(crate) struct DrawnMethod {
    pub(crate) method: MethodDescriptor,
    pub(crate) target: Target,
    /// Generates its probes, if it has any.
    probes: Option<Generator>,
}

impl DrawnMethod {
    /// Whether `probe` may be sent.
    pub(crate) fn allows(&self, probe: &Probe) -> bool {
        self.probes.as_ref().is_some_and(|generator| generator.allows(probe))
    }
}

impl Draws {
    /// The requests of `methods` with this seed. The probes are mutations of `probes`.
    pub(crate) fn new(
        methods: Vec<MethodDescriptor>,
        probes: &Probes,
        size_limit: usize,
        seed: u64,
        kinds: Kinds,
    ) -> Result<Self, String> {
        let with_probes = |method: MethodDescriptor| {
            let target = selection::target(&method, size_limit);
            let generator =
                || Generator::new(probes.adapted(&target), requests(&method), kinds.edge);
            let probes = kinds.probes.then(generator).filter(Generator::has_bases);
            DrawnMethod { method, target, probes }
        };
        let methods: Vec<_> = methods.into_iter().map(with_probes).collect();
        let has_probes = methods.iter().all(|method| method.probes.is_some());
        if !kinds.calls && !has_probes {
            return Err(
                "fuzz: `sources` in [compare] has neither `generated` nor `wire`".to_owned()
            );
        }
        Ok(Self { seed, calls: kinds.calls, methods })
    }

    /// The request with this number, and the index of its method.
    pub(crate) fn draw(&self, number: u64) -> Result<(usize, Drawn), String> {
        let mut random = Random::of_case(self.seed, number);
        let index = random.below(self.methods.len());
        let Some(DrawnMethod { method, probes, .. }) = self.methods.get(index) else {
            return Err("fuzz: there is no method".to_owned());
        };
        let name = format!("fuzz-{}-{number}", self.seed);
        let is_probe = random.one_in(PROBES) || !self.calls;
        Ok(match probes.as_ref().filter(|_| is_probe) {
            Some(generator) => (index, Drawn::Probe(Arc::new(generator.draw(&mut random, &name)?))),
            None => (index, Drawn::Call(call(method, name, &mut random))),
        })
    }
}

/// The requests that mutations of the probes of `method` use.
fn requests(method: &MethodDescriptor) -> Requests {
    let (service, name) = (method.parent_service().full_name().to_owned(), method.name());
    let path = format!("/{service}/{name}");
    let encoded = format!("/{service}/{}", percent_encoded(name));
    let unknown = format!("/{service}/NoSuch{name}");
    let paths = vec![path.clone(), path, unknown, "/".to_owned(), encoded];
    let of = method.input();
    Requests::new(paths, move |numbers| random::message(&of, BOUNDS, numbers))
}

/// A call with random messages, and sometimes with metadata or a deadline.
fn call(method: &MethodDescriptor, name: String, random: &mut Random) -> Case {
    let streams = method.is_client_streaming();
    let (messages, fields) = random::request(&method.input(), streams, BOUNDS, random);
    let entries = if random.one_in(4) { 1 + random.below(3) } else { 0 };
    let metadata = (0..entries).map(|_| metadata(random)).collect();
    let deadline = random.one_in(8).then(|| {
        let milliseconds = DEADLINES.start + random.below(DEADLINES.len());
        Duration::from_millis(milliseconds as u64)
    });
    let method = Some(method.clone());
    Case { name, messages, metadata, deadline, fields, method, ..Case::default() }
}

/// A name and a value that every client may send.
fn metadata(random: &mut Random) -> (String, Vec<u8>) {
    let name = [&b"x-"[..], &random.text(NAME, 8)].concat();
    let name = String::from_utf8_lossy(&name).into_owned();
    if random.one_in(3) {
        let length = random.below(16);
        return (format!("{name}-bin"), STANDARD_NO_PAD.encode(random.bytes(length)).into_bytes());
    }
    // HTTP/2 forbids spaces at the ends. A name that ends in `-bin` by chance would need base64.
    let value = random.text(VALUE, 20).trim_ascii().to_vec();
    (name.trim_end_matches("-bin").to_owned(), value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::test_service;
    use crate::config::Places;
    use crate::probe::table::{entry, read_all};
    use crate::probe::target::DEFAULT_SIZE_LIMIT;

    fn draws(seed: u64, edge: bool) -> Draws {
        let places = Places::find(None, None).expect("the tests run in the project");
        let probes = read_all(&places.project_file("scenarios").join("server-parity"));
        let probes = Probes::new(probes.expect("the tables are valid")).expect("they are entries");
        let methods = ["Get", "Watch"].map(test_service::method).to_vec();
        let kinds = Kinds { calls: true, probes: true, edge };
        Draws::new(methods, &probes, DEFAULT_SIZE_LIMIT, seed, kinds).expect("there are requests")
    }

    /// The requests as text.
    fn texts(draws: &Draws, numbers: impl Iterator<Item = u64>) -> Vec<String> {
        let text = |number| match draws.draw(number).expect("it can be drawn") {
            (method, Drawn::Call(case)) => format!("{method} {case:?}"),
            (method, Drawn::Probe(probe)) => format!("{method} {}", entry(&probe).expect("valid")),
        };
        numbers.map(text).collect()
    }

    #[test]
    fn a_seed_repeats_its_requests_one_by_one() {
        let all = texts(&draws(7, false), 0..60);
        let mut reversed = texts(&draws(7, false), (0..60).rev());
        reversed.reverse();
        assert_eq!(all, reversed);
        assert_ne!(all, texts(&draws(8, false), 0..60));
        let probes = all.iter().filter(|text| text.contains("[[probe]]")).count();
        assert!((3..30).contains(&probes), "{probes} probes");
        let of_method = |method: &str| all.iter().filter(|it| it.starts_with(method)).count();
        assert!(of_method("0 ") > 15 && of_method("1 ") > 15);
    }

    #[test]
    fn probes_have_no_trace_of_the_calculator() {
        let texts = texts(&draws(3, true), 0..600);
        assert!(texts.iter().all(|text| !text.contains("Calculator")));
        assert!(texts.iter().any(|text| text.contains("/shop.Shop/NoSuch")));
    }

    #[test]
    fn metadata_may_be_sent_by_every_client() {
        let mut random = Random::of_case(1, 1);
        for _ in 0..500 {
            let (name, value) = metadata(&mut random);
            assert!(
                value.trim_ascii() == value && value.iter().all(|it| (0x20..0x7f).contains(it))
            );
            assert!(name.len() > 1 && !value.contains(&b'{'), "{name}");
            let is_base64 = STANDARD_NO_PAD.decode(&value).is_ok();
            assert!(is_base64 || !name.ends_with("-bin"), "{name}");
        }
    }
}
