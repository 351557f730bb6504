//! Which certificates, keys and PEM files the Rust programs accept, next to grpcio.
//!
//! Live grpcio answers for each case whether its server and its client accept it, so a row of the table cannot claim
//! something else. Every rejection by a Rust program has to name the cause and, if one helps, a command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::cargo::cargo_bin;

use crate::certificates::{Authority, Kind, Pair};
use crate::python::Python;
use crate::support::{Server, client_of, failing_server};

const NAME: &str = "localhost";

/// The start of a command that creates another certificate.
const REMAKE: &str = "`openssl req -x509 ";

/// What a pair of programs does with the files of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Accepted,
    /// The server does not start.
    Server,
    /// The client fails with UNAVAILABLE.
    Client,
}

use Outcome::{Accepted, Client, Server as NoServer};

/// A row of the table.
struct Case {
    what: &'static str,
    pair: Pair,
    trusted: PathBuf,
    grpcio: Outcome,
    rust: Outcome,
    /// What the error of the Rust program has to contain.
    error: &'static [&'static str],
}

/// The files of the cases.
struct Files {
    ours: Authority,
    /// The cases, and the authorities whose folders they use.
    cases: Vec<Case>,
    others: Vec<Authority>,
}

impl Files {
    fn new() -> Self {
        let mut files =
            Self { ours: Authority::new("ours"), cases: Vec::new(), others: Vec::new() };
        files.add_certificates();
        files.add_chains();
        files.add_pem();
        files
    }

    /// Both sides accept it.
    fn both(&mut self, what: &'static str, pair: Pair, trusted: PathBuf) {
        self.add(what, pair, trusted, Accepted, Accepted, &[]);
    }

    fn add(
        &mut self,
        what: &'static str,
        pair: Pair,
        trusted: PathBuf,
        grpcio: Outcome,
        rust: Outcome,
        error: &'static [&'static str],
    ) {
        self.cases.push(Case { what, pair, trusted, grpcio, rust, error });
    }

    fn add_certificates(&mut self) {
        let ca = self.ours.certificate();
        // Each authority has a folder of its own, so that equal names do not replace files.
        let sign = |files: &mut Self, kind| {
            let (middle, chain) = files.ours.intermediate("middle", Kind::Ca);
            let pair = append(&middle.sign(NAME, kind), &chain);
            files.others.push(middle);
            pair
        };
        let ordinary = self.ours.sign(NAME, Kind::Ordinary);
        self.both("signed by a CA", ordinary.clone(), ca.clone());
        self.both("itself trusted", ordinary.clone(), ordinary.certificate);

        let version_1 = self.ours.sign_version_1(NAME, "ours");
        let errors: &[&str] = &["X.509 version 1", REMAKE];
        self.add("version 1", version_1, ca.clone(), Accepted, Client, errors);

        let pair = sign(self, Kind::CommonName);
        let errors: &[&str] = &["no subjectAltName", "subjectAltName=DNS:localhost", REMAKE];
        self.add("only a common name", pair.clone(), ca.clone(), Accepted, Client, errors);
        self.both("only a common name, itself trusted", pair.clone(), pair.certificate);

        let pair = sign(self, Kind::Ca);
        let errors: &[&str] = &["(CA:TRUE)", "basicConstraints=critical,CA:FALSE", REMAKE];
        self.add("CA:TRUE", pair.clone(), ca.clone(), Accepted, Client, errors);
        self.both("CA:TRUE, itself trusted", pair.clone(), pair.certificate);

        let own = Authority::new("own");
        let pair = own.sign_itself(NAME);
        self.both("self-signed, CA:TRUE", pair.clone(), pair.certificate);
        self.others.push(own);
        let own = Authority::new("own");
        let pair = own.sign_itself_as(NAME, Kind::CommonName);
        self.both("self-signed, CA:TRUE, only a common name", pair.clone(), pair.certificate);
        self.others.push(own);

        let pair = sign(self, Kind::Expired);
        let errors: &[&str] = &["is not valid now: certificate expired", "`openssl s_client "];
        self.add("expired", pair, ca.clone(), Client, Client, errors);
        let pair = sign(self, Kind::ForClients);
        let errors: &[&str] = &["not for servers", "extendedKeyUsage=serverAuth"];
        self.add("only for clients", pair, ca, Client, Client, errors);
        let others = Authority::new("others");
        let pair = self.ours.sign(NAME, Kind::Ordinary);
        let errors: &[&str] = &["no certificate in ", "ca.pem has signed", "-showcerts"];
        self.add("signed by another CA", pair, others.certificate(), Client, Client, errors);
        self.others.push(others);
    }

    fn add_chains(&mut self) {
        let ca = self.ours.certificate();
        let (first, first_pem) = self.ours.intermediate("first", Kind::Ca);
        let (second, second_pem) = first.intermediate("second", Kind::Ca);
        let pair = second.sign(NAME, Kind::Ordinary);
        let text = fs::read_to_string(&pair.certificate).expect("cannot read a certificate");
        let chain = |name: &str, parts: &[&str]| Pair {
            certificate: write(&second.file(name), &parts.concat()),
            key: pair.key.clone(),
        };
        let ordered = chain("ordered.pem", &[&text, &second_pem, &first_pem]);
        self.both("two intermediates", ordered, ca.clone());
        let unordered = chain("unordered.pem", &[&text, &first_pem, &second_pem]);
        self.both("two intermediates, unordered", unordered.clone(), ca.clone());
        self.both("an intermediate is trusted", unordered, second.certificate());
        let last = chain("last.pem", &[&second_pem, &text, &first_pem]);
        let errors: &[&str] = &["that of certificate 2 in ", "last.pem", "comes first"];
        self.add("not the first in its file", last, ca.clone(), NoServer, NoServer, errors);
        let incomplete = chain("incomplete.pem", &[&text, &second_pem]);
        let errors: &[&str] = &["UnknownIssuer", "all intermediate certificates"];
        self.add("no intermediate", incomplete, ca.clone(), Client, Client, errors);
        self.others.extend([first, second]);

        let (expired, expired_pem) = self.ours.intermediate("expired", Kind::Expired);
        let pair = append(&expired.sign(NAME, Kind::Ordinary), &expired_pem);
        let errors: &[&str] = &["is not valid now: certificate expired"];
        self.add("an expired intermediate", pair, ca.clone(), Client, Client, errors);
        let (no_ca, no_ca_pem) = self.ours.intermediate("no CA", Kind::Ordinary);
        let pair = append(&no_ca.sign(NAME, Kind::Ordinary), &no_ca_pem);
        let errors: &[&str] = &["(CA:FALSE)", "CA:TRUE"];
        self.add("an intermediate that is no CA", pair, ca, Client, Client, errors);
        self.others.extend([expired, no_ca]);
    }

    fn add_pem(&mut self) {
        let ca = self.ours.certificate();
        let pair = self.ours.sign(NAME, Kind::Ordinary);
        let certificate = fs::read_to_string(&pair.certificate).expect("cannot read a certificate");
        let key = fs::read_to_string(&pair.key).expect("cannot read a key");
        let files = |name: &str, certificate: &str, key: &str| Pair {
            certificate: write(&self.ours.file(&format!("{name}.pem")), certificate),
            key: write(&self.ours.file(&format!("{name}.key")), key),
        };
        let crlf = |text: &str| text.replace('\n', "\r\n");
        let marked = |text: &str| format!("\u{feff}{text}");
        let label = |label: &str| certificate.replace("CERTIFICATE", label);
        let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
        let old =
            key.replace("PRIVATE KEY-----\n", "EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n");
        let other = fs::read_to_string(self.ours.sign("other", Kind::Ordinary).key)
            .expect("cannot read a key");
        let both = format!("{certificate}{key}");
        let accepted = [
            ("CRLF", files("crlf", &crlf(&certificate), &crlf(&key))),
            ("no final newline", files("end", certificate.trim_end(), key.trim_end())),
            ("text before", files("text", &format!("Certificate:\n{certificate}"), &key)),
            ("both in both files", files("both", &both, &both)),
        ];
        let label_errors: &[&str] = &["another label", "`openssl x509 -in "];
        let rejected: [(_, _, &[&str]); 8] = [
            (
                "a byte order mark",
                files("mark", &marked(&certificate), &key),
                &["mark.pem", "`tail -c +4 "],
            ),
            (
                "a byte order mark in the key",
                files("km", &certificate, &marked(&key)),
                &["km.key", "`tail "],
            ),
            (
                "an encrypted key",
                files("e8", &certificate, &encrypted),
                &["e8.key", "`openssl pkey -in "],
            ),
            (
                "an encrypted key of SEC1",
                files("e1", &certificate, &old),
                &["e1.key", "`openssl pkey -in "],
            ),
            (
                "another key",
                files("ok", &certificate, &other),
                &["ok.key", "ok.pem", "-pubout -in "],
            ),
            ("swapped", files("sw", &key, &certificate), &["sw.pem, which has a key"]),
            (
                "a request",
                files("csr", &label("CERTIFICATE REQUEST"), &key),
                &["`openssl x509 -req -in "],
            ),
            (
                "a trusted certificate",
                files("tc", &label("TRUSTED CERTIFICATE"), &key),
                label_errors,
            ),
        ];
        let x509 = files("x509", &label("X509 CERTIFICATE"), &key);
        for (what, pair) in accepted {
            self.both(what, pair, ca.clone());
        }
        for (what, pair, errors) in rejected {
            self.add(what, pair, ca.clone(), NoServer, NoServer, errors);
        }
        self.add("the label of old OpenSSL", x509, ca, Accepted, NoServer, label_errors);
    }
}

fn write(path: &Path, text: &str) -> PathBuf {
    fs::write(path, text).expect("cannot write to the folder");
    path.to_owned()
}

/// The pair with another certificate at the end of its chain.
fn append(pair: &Pair, certificate: &str) -> Pair {
    let text = fs::read_to_string(&pair.certificate).expect("cannot read a certificate");
    let path = pair.certificate.with_extension("chain.pem");
    Pair { certificate: write(&path, &(text + certificate)), key: pair.key.clone() }
}

/// Calls a Rust server with a Rust client. The text is that of the error.
fn run(case: &Case) -> (Outcome, String) {
    let options = |command: &mut Command| {
        command.args(["--address", "127.0.0.1:0", "--tls-certificate"]);
        command.arg(&case.pair.certificate).arg("--tls-key").arg(&case.pair.key);
    };
    if case.rust == NoServer {
        let mut server = failing_server();
        server.args(["--address", "127.0.0.1:0", "--tls-certificate"]);
        server.arg(&case.pair.certificate).arg("--tls-key").arg(&case.pair.key);
        let output = server.assert().code(1).stdout("").get_output().clone();
        return (NoServer, String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let mut command = Command::new(cargo_bin!("calculator-server"));
    options(&mut command);
    let server = Server::ready(&mut command);
    let mut client = client_of(server.address);
    client.arg("--tls-ca").arg(&case.trusted).args(["--tls-name", NAME, "--timeout", "15"]);
    let output = client.output().expect("cannot run the client");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        return (Accepted, stderr);
    }
    assert!(stderr.contains("StatusCode.UNAVAILABLE"), "{}: {stderr}", case.what);
    assert!(stderr.contains(&format!("{}: TLS handshake failed: ", server.address)), "{stderr}");
    (Client, stderr)
}

#[test]
fn the_rust_programs_accept_these_files_or_say_why_not() {
    for case in &Files::new().cases {
        let (outcome, text) = run(case);
        assert_eq!(outcome, case.rust, "{}: {text}", case.what);
        for part in case.error {
            assert!(text.contains(part), "{}: no '{part}' in {text}", case.what);
        }
        assert!(!text.contains("OtherError"), "{}: {text}", case.what);
    }
}

#[test]
fn grpcio_accepts_what_the_table_says() {
    let Some(python) = Python::find() else { return };
    let files = Files::new();
    let arguments = files.cases.iter().map(|case| {
        let parts = [&case.pair.certificate, &case.pair.key, &case.trusted]
            .map(|path| fs::read(path).expect("cannot read a file"));
        [&parts[0][..], &parts[1], &parts[2], NAME.as_bytes()].join(&0)
    });
    let answers = python.ask("tls", arguments);
    for (case, answer) in files.cases.iter().zip(answers) {
        let expected = match case.grpcio {
            Accepted => "accepted",
            NoServer => "server",
            Client => "client",
        };
        assert_eq!(answer, expected, "{}", case.what);
    }
}

#[test]
fn a_variable_of_grpcio_names_the_trusted_certificates() {
    let authority = Authority::new("ours");
    let (pair, ca) = (authority.sign(NAME, Kind::Ordinary), authority.certificate());
    let mut command = Command::new(cargo_bin!("calculator-server"));
    command.args(["--address", "127.0.0.1:0", "--tls-certificate"]).arg(&pair.certificate);
    let server = Server::ready(command.arg("--tls-key").arg(&pair.key));
    let client = |file: &Path| {
        let mut client = client_of(server.address);
        client.args(["--tls", "--tls-name", NAME, "--timeout", "15"]);
        client.env("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", file);
        client
    };
    client(&ca).env("SSL_CERT_FILE", &pair.certificate).assert().success().stdout("4.0\n");
    client(Path::new("")).env("SSL_CERT_FILE", &ca).assert().success().stdout("4.0\n");
    // --tls-ca takes precedence.
    client(&pair.key).arg("--tls-ca").arg(&ca).assert().success().stdout("4.0\n");
    for (file, why) in [
        (&*pair.key, "there is no CA certificate for servers in "),
        (Path::new("missing.pem"), "cannot read missing.pem"),
    ] {
        let output = client(file).assert().code(1).stdout("").get_output().clone();
        let stderr = String::from_utf8_lossy(&output.stderr);
        let variable = "(GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names it";
        assert!(stderr.contains(why) && stderr.contains(variable), "{stderr}");
    }
}
