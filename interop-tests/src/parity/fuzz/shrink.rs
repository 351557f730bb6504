//! The smallest request that still shows a difference.
//!
//! A step back towards an ordinary request is tried wherever one is possible, the large ones first,
//! and kept when the difference is still there. It knows nothing of mutations, so it takes away what
//! came from the suite's probe too.

use std::time::{Duration, Instant};

use crate::http2::action::Action;
use crate::http2::body::{Cut, Piece};
use crate::http2::header_list::Change;
use crate::http2::script::End;
use crate::http2::text::Hex;
use crate::parity::server::probe;
use crate::parity::server::probe::{Acknowledge, Probe};

/// How many requests are tried, and for how long: one that a server never answers takes seconds.
const TRIES: usize = 400;
const LIMIT: Duration = Duration::from_secs(40);

/// `probe` as small as it gets while `shows` is true of it; the error is that of `shows`.
pub(crate) fn shrink(
    probe: Probe,
    mut shows: impl FnMut(&Probe) -> Result<bool, String>,
) -> Result<Probe, String> {
    let mut smallest = probe;
    let (mut tries, begin) = (0, Instant::now());
    'smaller: loop {
        for candidate in simpler(&smallest) {
            tries += 1;
            if tries > TRIES || begin.elapsed() > LIMIT {
                break 'smaller;
            }
            if shows(&candidate)? {
                smallest = candidate;
                continue 'smaller;
            }
        }
        break;
    }
    Ok(smallest)
}

/// Requests that are one step simpler.
fn simpler(probe: &Probe) -> Vec<Probe> {
    let mut all = Vec::new();
    let mut with = |is_already: bool, change: &dyn Fn(&mut Probe)| {
        if !is_already {
            let mut simpler = probe.clone();
            change(&mut simpler);
            all.push(simpler);
        }
    };
    let is_uncut = matches!(&probe.cut, Cut::Sizes(sizes) if sizes.is_empty());
    let is_usual = matches!(probe.actions[..], [Action::Headers, Action::Body]);
    let is_default = matches!(&probe.body[..], [piece] if is_root_of_16(piece));
    with(is_usual, &|probe| probe.actions = probe::one_request());
    with(is_default, &|probe| probe.body = probe::root_of_16());
    with(probe.headers.is_empty(), &|probe| probe.headers.clear());
    with(probe.end == End::LastFrame && probe.trailers.is_empty(), &|probe| {
        probe.end = End::LastFrame;
        probe.trailers.clear();
    });
    with(is_uncut, &|probe| probe.cut = Cut::Sizes(Vec::new()));
    with(!probe.priority, &|probe| probe.priority = false);
    with(probe.fragments.is_none(), &|probe| probe.fragments = None);
    with(probe.times == 1, &|probe| probe.times = 1);
    with(!probe.together, &|probe| probe.together = false);
    with(probe.pad.is_none(), &|probe| probe.pad = None);
    with(probe.pad_headers.is_none(), &|probe| probe.pad_headers = None);
    with(probe.acknowledge_settings == Acknowledge::Before, &|probe| {
        probe.acknowledge_settings = Acknowledge::Before;
    });

    let mut lists = |simpler: Vec<Probe>| all.extend(simpler);
    // Less than HEADERS and the body is no simpler: servers would wait for more.
    if !is_usual {
        let put = |probe: &mut Probe, actions| probe.actions = actions;
        lists(each(probe, &probe.actions, put, |_| Vec::new()));
    }
    lists(each(probe, &probe.body, |probe, body| probe.body = body, simpler_piece));
    lists(each(probe, &probe.headers, |probe, headers| probe.headers = headers, simpler_change));
    lists(each(probe, &probe.trailers, |p, trailers| p.trailers = trailers, simpler_change));
    if let Cut::Sizes(sizes) = &probe.cut {
        let put = |probe: &mut Probe, sizes| probe.cut = Cut::Sizes(sizes);
        lists(each(probe, sizes, put, |_| Vec::new()));
    }
    all.retain(|probe| !probe.actions.is_empty());
    all.retain(|probe| probe.end != End::Trailers || !probe.trailers.is_empty());
    all
}

/// `probe` with a list in it shorter by one item, or with an item of it made simpler.
fn each<T: Clone>(
    probe: &Probe,
    items: &[T],
    put: impl Fn(&mut Probe, Vec<T>),
    simpler: impl Fn(&T) -> Vec<T>,
) -> Vec<Probe> {
    let mut all = Vec::new();
    let mut with = |items: Vec<T>| {
        let mut probe = probe.clone();
        put(&mut probe, items);
        all.push(probe);
    };
    for at in 0..items.len() {
        with([&items[..at], &items[at + 1..]].concat());
    }
    for at in 0..items.len() {
        for item in simpler(&items[at]) {
            with([&items[..at], &[item], &items[at + 1..]].concat());
        }
    }
    all
}

fn is_root_of_16(piece: &Piece) -> bool {
    let root = Piece::root_of_16();
    piece.message == root.message && !has_prefix_or_coding(piece) && piece.times.is_none()
}

fn has_prefix_or_coding(piece: &Piece) -> bool {
    piece.flag.is_some()
        || piece.length.is_some()
        || piece.compressed.is_some()
        || piece.keep.is_some()
        || piece.corrupt.is_some()
        || piece.append.is_some()
}

fn simpler_piece(piece: &Piece) -> Vec<Piece> {
    let mut all = Vec::new();
    let mut with = |is_there: bool, change: &dyn Fn(&mut Piece)| {
        if is_there {
            let mut simpler = piece.clone();
            change(&mut simpler);
            all.push(simpler);
        }
    };
    with(piece.times.is_some(), &|piece| piece.times = None);
    with(piece.compressed.is_some(), &|piece| piece.compressed = None);
    with(piece.keep.is_some(), &|piece| piece.keep = None);
    with(piece.corrupt.is_some(), &|piece| piece.corrupt = None);
    with(piece.append.is_some(), &|piece| piece.append = None);
    with(piece.flag.is_some(), &|piece| piece.flag = None);
    with(piece.length.is_some(), &|piece| piece.length = None);
    with(piece.size.is_some(), &|piece| piece.size = None);
    with(piece.zeros.is_some_and(|zeros| zeros > 0), &|piece| {
        piece.zeros = piece.zeros.map(|zeros| zeros / 2);
    });
    for shorter in piece.message.iter().flat_map(|Hex(bytes)| shorter(bytes)) {
        with(true, &|piece| piece.message = Some(Hex(shorter.clone())));
    }
    for shorter in piece.raw.iter().flat_map(|Hex(bytes)| shorter(bytes)) {
        with(true, &|piece| piece.raw = Some(Hex(shorter.clone())));
    }
    for shorter in piece.append.iter().flat_map(|Hex(bytes)| shorter(bytes)) {
        with(true, &|piece| piece.append = Some(Hex(shorter.clone())));
    }
    all
}

fn simpler_change(change: &Change) -> Vec<Change> {
    let mut all = Vec::new();
    let mut with = |is_there: bool, simpler: &dyn Fn(&mut Change)| {
        if is_there {
            let mut changed = change.clone();
            simpler(&mut changed);
            all.push(changed);
        }
    };
    with(change.times.is_some(), &|change| change.times = None);
    with(change.times.is_some_and(|times| times > 2), &|change| {
        change.times = change.times.map(|times| times / 2);
    });
    with(change.size.is_some(), &|change| change.size = None);
    with(change.size.is_some_and(|size| size > 1), &|change| {
        change.size = change.size.map(|size| size / 2);
    });
    for shorter in shorter(&change.value.0) {
        with(true, &|change| change.value.0.clone_from(&shorter));
    }
    for name in change.add.iter().flat_map(|name| shorter(&name.0)).filter(|name| !name.is_empty())
    {
        with(true, &|change| {
            if let Some(add) = &mut change.add {
                add.0.clone_from(&name);
            }
        });
    }
    all
}

/// Parts of `bytes`: nothing, the halves, and all but one byte while there are only few.
fn shorter(bytes: &[u8]) -> Vec<Vec<u8>> {
    const FEW: usize = 40;
    if bytes.is_empty() {
        return Vec::new();
    }
    let half = bytes.len() / 2;
    let mut all = vec![Vec::new()];
    if half > 0 {
        all.extend([bytes[..half].to_vec(), bytes[half..].to_vec()]);
    }
    if (2..=FEW).contains(&bytes.len()) {
        all.extend((0..bytes.len()).map(|at| [&bytes[..at], &bytes[at + 1..]].concat()));
    }
    all
}
