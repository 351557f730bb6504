//! Reads case files, and checks them against the descriptors.
//!
//! All errors that a file can have are found here, before the first server is started.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use prost_reflect::{DescriptorPool, MethodDescriptor, ServiceDescriptor};

use crate::compare::user::capture::{Capture, CapturePath};
use crate::compare::user::captured::Captured;
use crate::compare::user::expectation::Expectation;
use crate::compare::user::messages::{Messages, Reader as MessageReader};
use crate::compare::user::step::{Setup, Step, UserCase, metadata_value};
use crate::compare::user::template::{Template, is_name};
use crate::config::document::{Content, Entries, Node, Wrong};
use crate::config::glob;
use crate::config::source::{ConfigError, Source, check_name};
use crate::outcome::status;

/// The keys of a call, in all places where one is described.
const OF_CALL: [&str; 6] = ["method", "request", "requests", "metadata", "deadline_ms", "expect"];

/// The metadata that every call has.
const RESERVED: [&str; 4] = ["te", "content-type", "user-agent", "host"];

/// The cases and the setup calls of all case files.
#[derive(Clone, Debug, Default)]
pub(crate) struct UserCases {
    setup: Vec<Arc<Setup>>,
    cases: Vec<Arc<UserCase>>,
}

impl UserCases {
    /// Reads all `files`.
    pub(crate) fn read(files: &[PathBuf], pool: &DescriptorPool) -> Result<Self, ConfigError> {
        let mut all = Self::default();
        for path in files {
            all.add_file(path, &Source::open(path)?, pool)?;
        }
        Ok(all)
    }

    /// Reads the text of a case file.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn of_text(
        path: &Path,
        text: &str,
        pool: &DescriptorPool,
    ) -> Result<Self, ConfigError> {
        let mut all = Self::default();
        all.add_file(path, &Source::new(path, text), pool)?;
        Ok(all)
    }

    fn add_file(
        &mut self,
        path: &Path,
        source: &Source,
        pool: &DescriptorPool,
    ) -> Result<(), ConfigError> {
        self.add(path, source, pool)
            .map_err(|Wrong { span, message }| source.error(Some(span), message))
    }

    /// The setup calls before the cases of `method`, in order.
    pub(crate) fn setup_of(&self, method: &str) -> Vec<Arc<Setup>> {
        self.setup.iter().filter(|setup| setup.is_for(method)).cloned().collect()
    }

    /// The setup calls before the cases of any of `methods`, in order.
    pub(crate) fn setup_of_any(&self, methods: &[MethodDescriptor]) -> Vec<Arc<Setup>> {
        let is_for_any =
            |setup: &&Arc<Setup>| methods.iter().any(|method| setup.is_for(method.full_name()));
        self.setup.iter().filter(is_for_any).cloned().collect()
    }

    /// The cases of `method`, in order.
    pub(crate) fn cases_of(&self, method: &str) -> Vec<Arc<UserCase>> {
        self.cases.iter().filter(|case| case.method() == method).cloned().collect()
    }

    fn add(&mut self, path: &Path, source: &Source, pool: &DescriptorPool) -> Result<(), Wrong> {
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        let text = source.text();
        let file = if is_json { Node::of_json(text) } else { Node::of_toml(text) }?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let reader = Reader { source, pool, folder };
        let entries = file.entries("a case file", &["setup", "case"])?;
        let list = |name: &str| match entries.get(name) {
            Some(node) => node.list(&format!("`{name}`")),
            None => Ok(&[][..]),
        };
        for node in list("setup")? {
            self.setup.push(Arc::new(reader.setup(node)?));
        }
        for node in list("case")? {
            let (case, name) = reader.case(node)?;
            let same =
                |other: &&Arc<UserCase>| other.name == case.name && other.method() == case.method();
            if let Some(other) = self.cases.iter().find(same) {
                let UserCase { name: text, place, .. } = &**other;
                let method = case.method();
                return Err(
                    name.wrong(format!("there is already a case `{text}` of {method}, at {place}"))
                );
            }
            self.cases.push(Arc::new(case));
        }
        Ok(())
    }
}

/// Reads the entries of a file.
struct Reader<'a> {
    source: &'a Source,
    pool: &'a DescriptorPool,
    folder: &'a Path,
}

impl Reader<'_> {
    fn setup(&self, node: &Node) -> Result<Setup, Wrong> {
        let entries = node.entries("a setup", &[&OF_CALL[..], &["methods"]].concat())?;
        let mut step =
            self.step("a setup", "setup".to_owned(), node, &entries, &Captured::default())?;
        // Without its effect, the cases after it mean nothing.
        step.expectation.get_or_insert_with(|| Expectation {
            status: 0,
            message: None,
            responses: None,
            of: step.method.output(),
        });
        let methods = match entries.get("methods") {
            None => None,
            Some(node) => {
                let patterns = node.list("`methods`")?.iter().map(|node| {
                    let pattern = node.text("an element of `methods`")?;
                    let mut names = self.methods().map(|method| method.full_name().to_owned());
                    if !names.any(|name| glob(pattern, &name)) {
                        return Err(node.wrong(format!("no method has a name like `{pattern}`")));
                    }
                    Ok(pattern.to_owned())
                });
                Some(patterns.collect::<Result<_, Wrong>>()?)
            }
        };
        Ok(Setup { step, methods })
    }

    /// The case, and its name in the file.
    fn case<'n>(&self, node: &'n Node) -> Result<(UserCase, &'n Node), Wrong> {
        let entries = node.entries("a case", &[&["name", "steps"][..], &OF_CALL].concat())?;
        let name_node = entries.required("a case", "name")?;
        let name = name_node.text("the name of a case")?;
        check_name(name).map_err(|message| name_node.wrong(format!("case `{name}`: {message}")))?;
        let place = self.source.place(&name_node.span);
        let Some(list) = entries.get("steps") else {
            let step =
                self.step("a case", name.to_owned(), node, &entries, &Captured::default())?;
            let case = UserCase { name: name.to_owned(), steps: vec![step], place };
            return Ok((case, name_node));
        };
        if let Some(key) = OF_CALL.iter().find(|key| entries.get(key).is_some()) {
            return Err(
                list.wrong(format!("case `{name}`: `steps` and `{key}` exclude each other"))
            );
        }
        let (mut steps, mut captured) = (Vec::new(), Captured::default());
        for (index, node) in list.list("`steps`")?.iter().enumerate() {
            let entries = node.entries("a step", &[&OF_CALL[..], &["capture"]].concat())?;
            let name = format!("{name}.step-{}", index + 1);
            let mut step = self.step("a step", name, node, &entries, &captured)?;
            if let Some(node) = entries.get("capture") {
                step.captures = self.captures(node, &step.method)?;
            }
            for capture in &step.captures {
                captured.insert(&capture.name, capture.path.sample());
            }
            steps.push(step);
        }
        if steps.is_empty() {
            return Err(list.wrong(format!("case `{name}`: there are no steps")));
        }
        Ok((UserCase { name: name.to_owned(), steps, place }, name_node))
    }

    fn captures(&self, node: &Node, method: &MethodDescriptor) -> Result<Vec<Capture>, Wrong> {
        let Content::Table(entries) = &node.content else {
            return Err(node.wrong("`capture` must be a table of names and paths"));
        };
        let captures = entries.iter().map(|(key, node)| {
            let name = &key.name;
            if !is_name(name) {
                let message = format!(
                    "capture: a name consists of letters, digits, `_` and `-`, unlike `{name}`"
                );
                return Err(Wrong::new(&key.span, message));
            }
            let path = node.text(&format!("the path of `{name}`"))?;
            let path = CapturePath::parse(path, method);
            let path = path.map_err(|why| node.wrong(format!("capture {name}: {why}")))?;
            Ok(Capture { name: name.clone(), path, place: self.source.place(&node.span) })
        });
        captures.collect()
    }

    fn step(
        &self,
        what: &str,
        name: String,
        node: &Node,
        entries: &Entries<'_>,
        captured: &Captured,
    ) -> Result<Step, Wrong> {
        let method_node = entries.required(what, "method")?;
        let method = self.method(method_node)?;
        let reader = MessageReader { folder: self.folder, captured };
        let requests = requests(entries, &method, &reader)?;
        let metadata = match entries.get("metadata") {
            None => Vec::new(),
            Some(node) => {
                let pairs = node.list("`metadata`")?.iter();
                pairs.map(|node| metadata(node, captured)).collect::<Result<_, _>>()?
            }
        };
        let deadline = match entries.get("deadline_ms") {
            None => None,
            Some(Node { content: Content::Integer(number @ 1..=0xffff_ffff), .. }) => {
                u64::try_from(*number).ok().map(Duration::from_millis)
            }
            Some(node) => {
                return Err(
                    node.wrong("`deadline_ms` must be a number of milliseconds, at least 1")
                );
            }
        };
        let expectation = match entries.get("expect") {
            None => None,
            Some(node) => Some(expectation(node, &method, &reader)?),
        };
        let place =
            self.source.place(if node.span.is_empty() { &method_node.span } else { &node.span });
        Ok(Step {
            name,
            method,
            requests,
            metadata,
            deadline,
            captures: Vec::new(),
            expectation,
            place,
        })
    }

    fn methods(&self) -> impl Iterator<Item = MethodDescriptor> {
        self.pool.services().flat_map(|service| service.methods().collect::<Vec<_>>())
    }

    /// The method with this name: `shop.Shop.Get`, `shop.Shop/Get` or `/shop.Shop/Get`.
    fn method(&self, node: &Node) -> Result<MethodDescriptor, Wrong> {
        let text = node.text("`method`")?;
        let name = text.strip_prefix('/').unwrap_or(text);
        let parts = name.rsplit_once('/').or_else(|| name.rsplit_once('.'));
        let (service, name) = parts.unwrap_or(("", name));
        let quoted = |names: Vec<String>| format!("`{}`", names.join("`, `"));
        let Some(of) = self.pool.get_service_by_name(service) else {
            let services = self.pool.services().map(|service| service.full_name().to_owned());
            let services = quoted(services.collect());
            return Err(node.wrong(format!(
                "method: there is no service `{service}`; the services are {services}"
            )));
        };
        let method = of.methods().find(|method| method.name() == name);
        method.ok_or_else(|| {
            let methods = quoted(names_of(&of));
            let message =
                format!("method: {service} has no method `{name}`; its methods are {methods}");
            node.wrong(message)
        })
    }
}

fn names_of(service: &ServiceDescriptor) -> Vec<String> {
    service.methods().map(|method| method.name().to_owned()).collect()
}

/// The request messages of a call.
fn requests(
    entries: &Entries<'_>,
    method: &MethodDescriptor,
    reader: &MessageReader<'_>,
) -> Result<Messages, Wrong> {
    let is_stream = method.is_client_streaming();
    let mut messages = Messages::none(method.input());
    let node = match (entries.get("request"), entries.get("requests")) {
        (None, None) if is_stream => return Ok(messages),
        (None, None) => return Ok(Messages::empty(method.input())),
        (Some(_), Some(node)) => {
            return Err(node.wrong("`request` and `requests` exclude each other"));
        }
        (Some(node), None) => {
            messages.add(node, reader)?;
            node
        }
        (None, Some(node)) => {
            match &node.content {
                Content::List(nodes) => {
                    nodes.iter().try_for_each(|node| messages.add(node, reader))?;
                }
                _ => messages.add(node, reader)?,
            }
            node
        }
    };
    let count = messages.count();
    if !is_stream && count != 1 {
        let method = method.full_name();
        return Err(node.wrong(format!(
            "{method} takes one request, not {count}, because its requests are not a stream"
        )));
    }
    Ok(messages)
}

/// A pair of a name and a value.
fn metadata(node: &Node, captured: &Captured) -> Result<(String, Template), Wrong> {
    let Content::List(pair) = &node.content else {
        return Err(node.wrong("metadata must be pairs such as [\"x-user\", \"ada\"]"));
    };
    let [name, value] = &pair[..] else {
        return Err(node.wrong("metadata must be pairs of a name and a value"));
    };
    let key = name.text("the name of metadata")?.to_ascii_lowercase();
    let is_allowed =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ['-', '_', '.'].contains(&c);
    if key.is_empty() || !key.chars().all(is_allowed) {
        return Err(name.wrong(format!("`{key}` cannot be the name of metadata")));
    }
    if RESERVED.contains(&&*key) || key.starts_with("grpc-") {
        return Err(name.wrong(format!("`{key}` is set by gRPC itself and cannot be metadata")));
    }
    let text = value.text("the value of metadata")?;
    let checked = Template::parse(text).and_then(|template| {
        metadata_value(&key, template.replaced(captured)?)?;
        Ok(template)
    });
    let template = checked.map_err(|why| value.wrong(format!("metadata {key}: {why}")))?;
    Ok((key, template))
}

fn expectation(
    node: &Node,
    method: &MethodDescriptor,
    reader: &MessageReader<'_>,
) -> Result<Expectation, Wrong> {
    let entries = node.entries("`expect`", &["status", "message", "response", "responses"])?;
    let status = match entries.get("status") {
        None => 0,
        Some(node) => {
            let name = node.text("`status`")?;
            status::code(name).ok_or_else(|| {
                node.wrong(format!(
                    "`{name}` is not a status; statuses have names such as NOT_FOUND"
                ))
            })?
        }
    };
    let message = entries.get("message").map(|node| node.text("`message`").map(str::to_owned));
    let mut messages = Messages::none(method.output());
    let responses = match (entries.get("response"), entries.get("responses")) {
        (None, None) => None,
        (Some(_), Some(node)) => {
            return Err(node.wrong("`response` and `responses` exclude each other"));
        }
        (Some(node), None) => {
            messages.add(node, reader)?;
            Some((node, messages))
        }
        (None, Some(node)) => {
            let nodes = node.list("`responses`")?;
            nodes.iter().try_for_each(|node| messages.add(node, reader))?;
            Some((node, messages))
        }
    };
    if let Some((node, messages)) = &responses
        && !method.is_server_streaming()
        && messages.count() != 1
    {
        let method = method.full_name();
        return Err(node.wrong(format!("{method} returns one response, not {}", messages.count())));
    }
    let (message, responses) = (message.transpose()?, responses.map(|(_, messages)| messages));
    Ok(Expectation { status, message, responses, of: method.output() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::case::Case;
    use crate::compare::test_service;

    /// Reads files with these names and texts. The folder is left out of errors.
    fn read_all(files: &[(&str, &str)]) -> Result<UserCases, String> {
        let folder = tempfile::tempdir().expect("cannot create a folder");
        let mut paths = Vec::new();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("cannot write a file");
            paths.push(path);
        }
        UserCases::read(&paths, &test_service::pool()).map_err(|error| {
            error.to_string().replace(&format!("{}/", folder.path().display()), "")
        })
    }

    fn read(text: &str) -> Result<UserCases, String> {
        read_all(&[("cases.toml", text)])
    }

    /// The steps of the first case of `shop.Shop.METHOD`, without captured values.
    fn steps(text: &str, method: &str) -> Vec<Case> {
        let cases = read(text).expect(text).cases_of(&format!("shop.Shop.{method}"));
        let case = cases.first().expect("there is a case");
        let captured = Captured::default();
        case.steps.iter().map(|step| step.case(&captured).expect("it needs no value")).collect()
    }

    #[track_caller]
    fn error(text: &str, message: &str) {
        let error = read(text).expect_err(text);
        assert!(error.starts_with(&format!("cases.toml:{message}")), "{error}");
    }

    const GET: &str = "[[case]]\nname = 'pen'\nmethod = 'shop.Shop.Get'\n";

    #[test]
    fn a_case_is_a_call() {
        let text = "request = { name = 'pen' }\nmetadata = [['X-User', 'ada'], ['x-id-bin', '00ff']]\ndeadline_ms = 20\n";
        let [case] = &steps(&format!("{GET}{text}"), "Get")[..] else { panic!("one call") };
        assert_eq!(case.name, "pen");
        assert_eq!(case.messages, [&b"\x0a\x03pen"[..]]);
        let metadata =
            [("x-user".to_owned(), b"ada".to_vec()), ("x-id-bin".to_owned(), b"AP8".to_vec())];
        assert_eq!(case.metadata, metadata);
        assert_eq!(case.deadline, Some(Duration::from_millis(20)));
        assert_eq!(case.fields, ["name"]);
        let [empty] = &steps(GET, "Get")[..] else { panic!("one call") };
        assert_eq!(empty.messages, [&b""[..]]);
    }

    #[test]
    fn a_method_has_three_notations() {
        for method in ["shop.Shop.Watch", "shop.Shop/Watch", "/shop.Shop/Watch"] {
            let text = format!("[[case]]\nname = 'a'\nmethod = '{method}'\n");
            assert_eq!(steps(&text, "Watch").len(), 1);
        }
        let of = |method: &str, message: &str| {
            error(&format!("[[case]]\nname = 'a'\nmethod = '{method}'"), message);
        };
        of("Get", "3: method: there is no service ``; the services are `shop.Shop`");
        of(
            "shop.Shop.Gett",
            "3: method: shop.Shop has no method `Gett`; its methods are `Get`, `Watch`",
        );
    }

    #[test]
    fn a_sequence_belongs_to_the_method_of_its_last_step() {
        let text = "[[case]]\nname = 'a'\nsteps = [\n { method = 'shop.Shop.Watch' },\n { method = 'shop.Shop.Get' } ]";
        let names: Vec<_> = steps(text, "Get").into_iter().map(|case| case.name).collect();
        assert_eq!(names, ["a.step-1", "a.step-2"]);
        assert!(read(text).expect("it is valid").cases_of("shop.Shop.Watch").is_empty());
    }

    #[test]
    fn a_setup_is_for_methods() {
        let text = "[[setup]]\nmethod = 'shop.Shop.Get'\n[[setup]]\nmethod = 'shop.Shop.Watch'\nmethods = ['shop.Shop.G*']\n";
        let cases = read(text).expect("it is valid");
        let paths = |method: &str| {
            cases.setup_of(method).iter().map(|setup| setup.path()).collect::<Vec<_>>()
        };
        assert_eq!(paths("shop.Shop.Get"), ["/shop.Shop/Get", "/shop.Shop/Watch"]);
        assert_eq!(paths("shop.Shop.Watch"), ["/shop.Shop/Get"]);
        error(
            "[[setup]]\nmethod = 'shop.Shop.Get'\nmethods = ['Get']",
            "3: no method has a name like `Get`",
        );
        error("[[setup]]\nmethod = 'shop.Shop.Get'\nname = 'a'", "3: a setup has no key `name`");
    }

    #[test]
    fn a_captured_value_is_defined_by_an_earlier_step() {
        let with = |capture: &str, request: &str| {
            format!(
                "[[case]]\nname = 'a'\nsteps = [\n{{ method = 'shop.Shop.Get', {capture} }},\n\
                 {{ method = 'shop.Shop.Get', {request} }} ]"
            )
        };
        read(&with("capture = { id = 'name' }", "request = { name = 'x{id}' }"))
            .expect("it is valid");
        let of =
            |capture: &str, request: &str, message: &str| error(&with(capture, request), message);
        let use_it = "request = { name = '{id}' }";
        of(
            "capture = { it = 'name' }",
            use_it,
            "5: shop.Item.name: no earlier step captures `id`; captured are `it`",
        );
        of(
            &format!("{use_it}, capture = {{ id = 'name' }}"),
            "",
            "4: shop.Item.name: no earlier step captures `id`; captured are nothing",
        );
        of(
            "capture = { id = 'nam' }",
            use_it,
            "4: capture id: `nam`: a shop.Item has no field `nam`",
        );
        of("capture = { 'a b' = 'name' }", use_it, "4: capture: a name consists of letters");
        of("capture = { id = 'parts' }", use_it, "5: shop.Item.name: the captured value is a list");
        of(
            "capture = { id = 'name' }",
            "metadata = [['x', '{ix}']]",
            "5: metadata x: no earlier step captures `ix`",
        );
    }

    #[test]
    fn a_name_is_unique_in_its_method() {
        let watch = "[[case]]\nname = 'pen'\nmethod = 'shop.Shop.Watch'\n";
        read(&format!("{GET}{watch}")).expect("the methods differ");
        error(&format!("{GET}{GET}"), "5: there is already a case `pen` of shop.Shop.Get, at ");
        let json = r#"{"case": [{"method": "shop.Shop.Get",
            "name": "pen", "request": {"name": "x"}}]}"#;
        let twice =
            read_all(&[("a.toml", GET), ("b.json", json)]).expect_err("the name is there twice");
        assert!(
            twice.starts_with(
                "b.json:2: there is already a case `pen` of shop.Shop.Get, at a.toml:2"
            ),
            "{twice}"
        );
        assert_eq!(read_all(&[("b.json", json)]).expect("it is valid").cases.len(), 1);
        error("[[case]]\nname = 'a/b'\nmethod = 'shop.Shop.Get'", "2: case `a/b`: a name must not");
    }

    #[test]
    fn a_wrong_call_is_an_error_with_its_line() {
        let of = |rest: &str, message: &str| error(&format!("{GET}{rest}"), message);
        of("request = { nam = 'x' }", "4: a shop.Item has no field `nam`; its fields are `name`");
        of("request = { name = 1 }", "4: shop.Item.name: a string is needed");
        of("request = 'none.txtpb'", "4: cannot read none.txtpb: ");
        of("requests = [{}, {}]", "4: shop.Shop.Get takes one request, not 2");
        of("requests = { times = 3, each = {} }", "4: shop.Shop.Get takes one request, not 3");
        of("request = {}\nrequests = []", "5: `request` and `requests` exclude each other");
        of("deadline_ms = 0", "4: `deadline_ms` must be a number of milliseconds, at least 1");
        of("deadline_ms = 1.5", "4: `deadline_ms` must be");
        of("deadline = 1", "4: a case has no key `deadline`; its keys are `name`, `steps`");
        of("metadata = [['grpc-timeout', '1S']]", "4: `grpc-timeout` is set by gRPC itself");
        of("metadata = [['a b', 'c']]", "4: `a b` cannot be the name of metadata");
        of("metadata = [['a-bin', 'x']]", "4: metadata a-bin: `x`: binary metadata must be hex");
        of("metadata = [['a', 'ä']]", "4: metadata a: `ä`: metadata may contain only");
        of("metadata = [['a']]", "4: metadata must be pairs");
        of("capture = { a = 'name' }", "4: a case has no key `capture`");
        of("expect = { status = 'Not Found' }", "4: `Not Found` is not a status");
        of("expect = { response = { nam = 1 } }", "4: a shop.Item has no field `nam`");
        of("expect = { responses = [{}, {}] }", "4: shop.Shop.Get returns one response, not 2");
        of("steps = []", "4: case `pen`: `steps` and `method` exclude each other");
        error("[[case]]\nname = 'a'\nsteps = []", "3: case `a`: there are no steps");
        error("[[case]]\nname = 'a'", "1: a case needs a `method`");
        error("[[case]]\nmethod = 'shop.Shop.Get'", "1: a case needs a `name`");
        error("[[cases]]\n", "1: a case file has no key `cases`; its keys are `setup`, `case`");
        error("[[case]]\nname = ", "2: ");
    }
}
