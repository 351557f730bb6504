//! Whether a peer can take part in a case, and if not, why.
//!
//! A case that needs something that a peer does not have is "not supported", which is neither a pass nor
//! a failure.

use std::collections::BTreeSet;

use crate::config::axes::{Transport, Variant};
use crate::config::capability::{Capability, ServerNeeds, ServerOption};
use crate::config::program::Program;

/// The option that a server needs for this and that `program` does not have.
pub(crate) fn missing_option(
    program: &Program,
    transport: Transport,
    needs: &ServerNeeds,
) -> Option<ServerOption> {
    needs.options(transport).into_iter().find(|option| !program.options.contains_key(option))
}

/// Why the server of `peer` cannot be used for a case, if it cannot. A dedicated server is killed or
/// measured.
pub(crate) fn unsupported_by_server(
    peer: &str,
    program: &Program,
    transport: Transport,
    needs: &ServerNeeds,
    capabilities: &BTreeSet<Capability>,
    is_dedicated: bool,
) -> Option<String> {
    if let Some(attached) = &program.attach {
        // It was started by somebody else, with whatever options.
        let need = if attached.transport() == transport {
            needs.max_connection_age.map(|_| ServerOption::MaxConnectionAge.name())
        } else {
            Some(transport.name())
        };
        let need = need.map(|need| format!("be asked for `{need}`"));
        let what = need.or_else(|| is_dedicated.then(|| "be killed or measured".to_owned()));
        if let Some(what) = what {
            return Some(format!(
                "the server of {peer} is attached at {attached}: it cannot {what}"
            ));
        }
    } else if let Some(option) = missing_option(program, transport, needs) {
        return Some(format!("the server of {peer} has no option `{}`", option.name()));
    }
    let missing = capabilities.intersection(&program.lacks).next()?;
    Some(format!("the server of {peer} lacks `{}`", missing.name()))
}

/// Why the agent of `peer` cannot make calls at this point of the axes, if it cannot.
pub(crate) fn unsupported_by_agent(
    peer: &str,
    program: &Program,
    variant: Variant,
) -> Option<String> {
    let Variant { transport, compression } = variant;
    let Program { transports, compressions, .. } = program;
    let unknown = if transports.as_ref().is_some_and(|all| !all.contains(&transport)) {
        format!("the transport `{}`", transport.name())
    } else if compression.encoding().is_some()
        && compressions.as_ref().is_some_and(|all| !all.contains(&compression))
    {
        format!("the compression `{compression}`")
    } else {
        return None;
    };
    Some(format!("the agent of {peer} does not know {unknown}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::axes::Compression;

    fn program(table: &str) -> Program {
        toml::from_str(&format!("command = [\"server\"]\n{table}")).unwrap()
    }

    fn server(program: &Program, transport: Transport, needs: &str) -> Option<String> {
        let needs = toml::from_str(needs).unwrap();
        let capabilities = BTreeSet::from([Capability::Health]);
        unsupported_by_server("rust", program, transport, &needs, &capabilities, false)
    }

    #[test]
    fn a_server_needs_the_options_of_the_case() {
        let plain = program("");
        assert_eq!(server(&plain, Transport::Plain, ""), None);
        let why = server(&plain, Transport::Tls, "").unwrap();
        assert_eq!(why, "the server of rust has no option `tls`");
        let why = server(&plain, Transport::Plain, "max-connection-age = 1").unwrap();
        assert_eq!(why, "the server of rust has no option `max-connection-age`");
        let both = program("options = { tls = [], max-connection-age = [] }");
        assert_eq!(server(&both, Transport::Tls, "max-connection-age = 1"), None);
        assert!(server(&both, Transport::Mtls, "").is_some());
    }

    #[test]
    fn a_server_may_lack_a_service() {
        let why = server(&program("lacks = [\"health\"]"), Transport::Plain, "").unwrap();
        assert_eq!(why, "the server of rust lacks `health`");
        assert_eq!(server(&program("lacks = [\"reflection\"]"), Transport::Plain, ""), None);
    }

    #[test]
    fn an_attached_server_is_used_as_it_was_started() {
        let mut attached = program("options = { tls = [], max-connection-age = [] }");
        attached.attach = Some("localhost:1".parse().unwrap());
        assert_eq!(server(&attached, Transport::Plain, ""), None);
        let why = server(&attached, Transport::Tls, "").unwrap();
        assert!(why.ends_with("is attached at localhost:1: it cannot be asked for `tls`"), "{why}");
        let why = server(&attached, Transport::Plain, "max-connection-age = 1").unwrap();
        assert!(why.ends_with("it cannot be asked for `max-connection-age`"), "{why}");
        let needs = ServerNeeds::default();
        let killed = |transport| {
            unsupported_by_server("x", &attached, transport, &needs, &BTreeSet::new(), true)
        };
        assert!(killed(Transport::Plain).unwrap().ends_with("it cannot be killed or measured"));
    }

    #[test]
    fn an_agent_states_its_transports_and_compressions() {
        let agent = program("transports = [\"plain\"]\ncompressions = [\"gzip\"]");
        let why = |transport, compression| {
            unsupported_by_agent("rust", &agent, Variant { transport, compression })
        };
        assert_eq!(why(Transport::Plain, Compression::Gzip), None);
        assert_eq!(why(Transport::Plain, Compression::None), None);
        let unknown = "the agent of rust does not know the";
        let tls = why(Transport::Tls, Compression::None).unwrap();
        assert_eq!(tls, format!("{unknown} transport `tls`"));
        let deflate = why(Transport::Plain, Compression::Deflate).unwrap();
        assert_eq!(deflate, format!("{unknown} compression `deflate`"));
        let everything = Variant { transport: Transport::Mtls, compression: Compression::Deflate };
        assert_eq!(unsupported_by_agent("rust", &program(""), everything), None);
    }
}
