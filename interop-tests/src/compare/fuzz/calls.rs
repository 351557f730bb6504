//! Makes the random calls of a run: in the order of their numbers, at all servers at the same time.

use std::collections::VecDeque;
use std::ops::Range;

use crate::compare::case::Case;
use crate::compare::fuzz::collected::Sent;
use crate::compare::fuzz::draw::Drawn;
use crate::compare::fuzz::pair_run::PairRun;
use crate::compare::message::is_ambiguous;
use crate::compare::response::messages;

/// How many calls are made before their responses are compared.
pub(crate) const AT_ONCE: usize = 64;

impl PairRun<'_> {
    /// Makes the calls, and returns the probes, by the index of their method.
    pub(crate) fn calls(&mut self, mut cases: Range<u64>) -> Result<Vec<Vec<Sent>>, String> {
        let mut probes: Vec<_> = self.draws.methods.iter().map(|_| Vec::new()).collect();
        let mut waiting: VecDeque<Sent> = VecDeque::new();
        loop {
            while waiting.len() < AT_ONCE
                && let Some(number) = cases.next()
            {
                let sent = self.drawn(number)?;
                match sent.drawn {
                    Drawn::Call(_) => waiting.push_back(sent),
                    Drawn::Probe(_) => {
                        if let Some(of_method) = probes.get_mut(sent.method) {
                            of_method.push(sent);
                        }
                    }
                }
            }
            let Some(first) = waiting.front().cloned() else { return Ok(probes) };
            let (limit, context) = (self.settings.call_limit, self.context);
            if let Some((_, difference)) = self.servers.prepare(&self.setup, limit, context)? {
                self.collect(&first, |collected, rules| {
                    collected.add(&first, vec![difference], rules);
                })?;
                return Ok(probes);
            }
            let paths = waiting.iter().map(|sent| self.path(sent.method));
            let paths: Vec<_> = paths.collect();
            let calls = paths.iter().zip(&waiting);
            let calls: Vec<(&str, &Case)> = calls
                .filter_map(|(path, sent)| match &sent.drawn {
                    Drawn::Call(case) => Some((&**path, case)),
                    Drawn::Probe(_) => None,
                })
                .collect();
            let responses = self.servers.call_all(&calls, limit, context)?;
            if responses.is_empty() {
                return Err("fuzz: no server responded".to_owned());
            }
            for responses in responses {
                let Some(sent) = waiting.pop_front() else { break };
                self.collect(&sent, |collected, rules| {
                    collected.add_call(&sent, &responses, rules);
                })?;
            }
        }
    }

    /// The request with this number.
    fn drawn(&self, number: u64) -> Result<Sent, String> {
        let (method, drawn) = self.draws.draw(number)?;
        let of = self.target(method)?.drawn;
        let input = of.method.input();
        let is_malformed = match &drawn {
            Drawn::Call(case) => case.messages.iter().any(|it| is_ambiguous(&input, it)),
            Drawn::Probe(probe) => {
                let encoding = probe.header_list().into_iter().rfind(|it| it.0 == b"grpc-encoding");
                let encoding = encoding.map(|(_, value)| value).unwrap_or_default();
                let body = probe.request(&of.target.path).body;
                let (messages, _) = messages(&body, &encoding);
                let mut decoded = messages.iter().filter_map(|message| message.bytes.as_ref().ok());
                decoded.any(|message| is_ambiguous(&input, message))
            }
        };
        Ok(Sent { number, method, method_name: of.method.full_name().into(), drawn, is_malformed })
    }

    /// The path of the method with this index.
    pub(crate) fn path(&self, method: usize) -> String {
        self.draws.methods.get(method).map(|drawn| drawn.target.path.clone()).unwrap_or_default()
    }
}
