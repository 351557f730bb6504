//! Mutations of how a request is sent: its frames, their order, and additional frames.
//!
//! All of them are always legal for a client.

use crate::http2::{Action, AnyFrame, Cut, End, Hex, body, frame::kind, header_block};
use crate::probe::mutation::{headers, random::Random};
use crate::probe::table::{Acknowledge, Probe};

/// The largest fragment that fits into a frame with padding and a priority.
const LARGEST_FRAGMENT: usize = 16_000;

/// Changes in one way how `probe` is sent.
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
        5 | 6 => {
            use End::{EmptyFrame, Headers, LastFrame, Never, Trailers};
            let ends = [EmptyFrame, EmptyFrame, Headers, Never, LastFrame, Trailers, Trailers];
            probe.end = random.pick(&ends);
            if probe.end == Trailers {
                let trailers = (0..=random.below(3)).map(|_| headers::trailer(random));
                probe.trailers = trailers.collect();
            }
        }
        7 => {
            let acknowledge = [Acknowledge::After, Acknowledge::Never];
            probe.acknowledge_settings = random.pick(&acknowledge);
        }
        8 => probe.times = 1 + random.below(3),
        9 => {
            let length = body::bytes(&probe.body).len();
            insert(probe, Action::BodyTo(random.below(length + 1)), random);
        }
        _ => {
            let action = in_between(random);
            insert(probe, action, random);
        }
    }
}

/// An action that is allowed between the frames of a request.
fn in_between(random: &mut Random) -> Action {
    let frame = |r#type, stream, payload: &[u8]| {
        let payload = Hex(payload.to_vec());
        Action::Frame(AnyFrame { r#type, flags: 0, stream, payload, size: None, fill: 0 })
    };
    let byte = random.rng.u8(..);
    match random.below(6) {
        0 => Action::WaitMs(random.rng.u64(1..=20)),
        1 => Action::Ping(1),
        2 => {
            // HEADER_TABLE_SIZE, INITIAL_WINDOW_SIZE, MAX_HEADER_LIST_SIZE, and none that is known.
            let known = [(1, 0), (1, 100), (4, 100), (4, 100_000), (6, 100), (0x4242, 7)];
            Action::Settings(vec![random.pick(&known)])
        }
        3 => frame(kind::PRIORITY, None, &[0, 0, 0, 0, byte]),
        4 => frame(0x20 + byte % 0xc0, None, &random.bytes(5)),
        _ => frame(kind::WINDOW_UPDATE, Some(0), &[0, 0, 1, byte]),
    }
}

/// Inserts `action` after HEADERS and before the frame that ends the request, because a conforming client sends no
/// frames on a closed stream.
fn insert(probe: &mut Probe, action: Action, random: &mut Random) {
    let position = |is_meant: fn(&Action) -> bool| probe.actions.iter().position(is_meant);
    let headers = position(|action| matches!(action, Action::Headers));
    let body = position(|action| matches!(action, Action::Body));
    if let (Some(headers), Some(body)) = (headers, body)
        && headers < body
        && probe.end != End::Headers
    {
        probe.actions.insert(headers + 1 + random.below(body - headers), action);
    }
}
