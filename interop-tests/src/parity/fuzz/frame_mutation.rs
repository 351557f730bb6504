//! Mutations of how a request is sent: frames, their order, and what is sent beside.
//!
//! All of them are legal for a client at any time.

use crate::http2::action::{Action, AnyFrame};
use crate::http2::body;
use crate::http2::body::Cut;
use crate::http2::header_block;
use crate::http2::script::End;
use crate::http2::text::Hex;
use crate::parity::fuzz::header_mutation;
use crate::parity::fuzz::random::Random;
use crate::parity::server::probe::{Acknowledge, Probe};

/// What fits into a frame beside padding and a priority.
const LARGEST_FRAGMENT: usize = 16_000;

/// Changes how `probe` is sent, in one way.
pub(crate) fn mutate(probe: &mut Probe, random: &mut Random) {
    match random.below(12) {
        0 => probe.cut = Cut::EveryByte,
        1 | 2 => probe.cut = Cut::Sizes((0..random.below(6)).map(|_| random.size(20)).collect()),
        3 => probe.priority = !probe.priority,
        4 => {
            let block = header_block::encode(&probe.header_list());
            let size = block.len() / 3 + 1 + random.below(block.len());
            probe.fragments = Some(size.min(LARGEST_FRAGMENT));
        }
        5 | 6 => end(probe, random),
        7 => {
            probe.acknowledge_settings =
                if random.one_in(2) { Acknowledge::After } else { Acknowledge::Never };
        }
        8 => probe.times = 1 + random.below(3),
        9 => {
            let length = body::bytes(&probe.body).len();
            insert(probe, Action::BodyTo(random.below(length + 1)), random);
        }
        _ => {
            let action = beside(random);
            insert(probe, action, random);
        }
    }
}

fn end(probe: &mut Probe, random: &mut Random) {
    probe.end = match random.below(8) {
        0 | 1 => End::EmptyFrame,
        2 => End::Headers,
        3 => End::Never,
        4 => End::LastFrame,
        _ => End::Trailers,
    };
    if probe.end == End::Trailers {
        probe.trailers = (0..=random.below(3)).map(|_| header_mutation::trailer(random)).collect();
    }
}

/// What may come between the frames of a request.
fn beside(random: &mut Random) -> Action {
    let frame = |r#type, stream, payload: &[u8]| {
        let payload = Hex(payload.to_vec());
        Action::Frame(AnyFrame { r#type, flags: 0, stream, payload, size: None })
    };
    match random.below(6) {
        0 => Action::WaitMs(1 + random.below(20) as u64),
        1 => Action::Ping(1),
        2 => {
            // SETTINGS_HEADER_TABLE_SIZE, _INITIAL_WINDOW_SIZE, _MAX_HEADER_LIST_SIZE, none.
            let known = [&(1, 0), &(1, 100), &(4, 100), &(4, 100_000), &(6, 100), &(0x4242, 7)];
            Action::Settings(vec![*random.pick(&known)])
        }
        3 => frame(2, None, &[0, 0, 0, 0, random.byte()]),
        4 => frame(0x20 + random.byte() % 0xc0, None, &random.bytes(5)),
        _ => frame(8, Some(0), &[0, 0, 1, random.byte()]),
    }
}

/// After HEADERS and before what ends the request: a frame for a stream that is not open is none
/// that a client sends.
fn insert(probe: &mut Probe, action: Action, random: &mut Random) {
    let headers = probe.actions.iter().position(|action| matches!(action, Action::Headers));
    let body = probe.actions.iter().position(|action| matches!(action, Action::Body));
    if let (Some(headers), Some(body)) = (headers, body)
        && headers < body
        && probe.end != End::Headers
    {
        let at = headers + 1 + random.below(body - headers);
        probe.actions.insert(at, action);
    }
}
