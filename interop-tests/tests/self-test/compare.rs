//! The suite `compare`: a Python service with every field type, compared with copies of itself that have one fault each.
//!
//! A fault must be found at its method and its field, and nothing else may be found. So a run compares several faulty
//! copies with the cases of a few fields, and the copy without a fault with all cases.

use std::collections::{BTreeMap, BTreeSet};

use libtest_mimic::Trial;
use serde_json::Value;

use crate::run::{self, Run};

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("compare/the-same-server-has-no-finding", the_same_server_has_no_finding),
        ("compare/faults-in-numbers-and-texts", faults_in_numbers_and_texts),
        ("compare/faults-in-presence", faults_in_presence),
        ("compare/faults-in-lists", faults_in_lists),
        ("compare/faults-in-maps-and-messages", faults_in_maps_and_messages),
        ("compare/faults-in-well-known-types", faults_in_well_known_types),
        ("compare/faults-in-statuses-and-metadata", faults_in_statuses_and_metadata),
        ("compare/faults-in-streams", faults_in_streams),
        ("compare/other-faults", other_faults),
        ("compare/probes-of-any-method", probes_of_any_method),
        ("compare/cases-of-the-user", cases_of_the_user),
        ("compare/setup-before-probes", setup_before_probes),
        ("compare/errors-in-case-files", errors_in_case_files),
        ("compare/ignored-differences-are-accepted", ignored_differences_are_accepted),
        ("compare/reports-contain-the-findings", reports_contain_the_findings),
        ("compare/servers-that-do-not-start", servers_that_do_not_start),
        ("compare/attached-servers-are-not-written-to", attached_servers_are_not_written_to),
        ("compare/peers-files-without-a-comparison", peers_files_without_a_comparison),
    ])
}

/// The folder of the service.
const SERVICE: &str = "interop-tests/tests/compare-service";

/// A peer whose server has this fault.
pub(crate) fn peer(name: &str, keys: &str, fault: Option<&str>) -> String {
    let fault = fault.map(|fault| format!(", \"--fault\", \"{fault}\"")).unwrap_or_default();
    format!(
        "[[peer]]\nname = \"{name}\"\n{keys}\n[peer.server]\ndirectory = \"{{root}}/{SERVICE}\"\n\
         command = [\"{{root}}/.venv/bin/python\", \"server.py\", \"{{port}}\"{fault}]\n\
         ready = \"serving on port {{port}}\"\n"
    )
}

/// A peers file that compares the peers in `peers` with the service without a fault, with these sources of cases.
/// `keys` are more keys of `[compare]`, and what follows that table.
pub(crate) fn peers_file(sources: &str, keys: &str, peers: &str) -> String {
    let service = std::path::Path::new(crate::programs::ROOT).join(SERVICE);
    let service = service.canonicalize().expect("the service does not exist");
    let service = service.display();
    let reference = peer("reference", "reference = true", None);
    format!(
        "protos = [\"{service}/sample.proto\"]\ninclude = [\"{service}\"]\n[compare]\nsources = [{sources}]\n\
         {keys}\n{reference}{peers}"
    )
}

/// A run with such a peers file.
fn comparison_of(sources: &str, keys: &str, peers: &str) -> Run {
    Run::new().with_file("--peers", "peers.toml", &peers_file(sources, keys, peers))
}

/// A run with generated cases.
fn comparison(keys: &str, peers: &str) -> Run {
    comparison_of("\"generated\"", keys, peers)
}

/// What differs in each method of each peer, without what is only reported.
fn differences(record: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut differences: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for method in record["methods"].as_array().expect("there are methods") {
        let peer = method["peer"].as_str().expect("it is text").to_owned();
        let found = differences.entry(peer).or_default();
        for difference in method["differences"].as_array().expect("it is a list") {
            if difference["judgement"]["is"] == "different" {
                let name = method["method"].as_str().unwrap_or_default();
                let name = name.rsplit('.').next().unwrap_or_default();
                let subject = difference["subject"].as_str().unwrap_or_default();
                found.insert(format!("{name}: {subject}"));
            }
        }
    }
    differences
}

/// Compares a server with each of the faults, in the cases whose names contain `filter`, and checks what is found.
/// Faults separated by commas are faults of one server.
#[track_caller]
fn are_found(filter: &str, faults: &[(&str, &[&str])]) {
    let name = |fault: &str| fault.replace(',', "+");
    let peers: String =
        faults.iter().map(|(fault, _)| peer(&name(fault), "", Some(fault))).collect();
    let keys = "call-limit-ms = 1000";
    let ran = comparison(keys, &peers).and(filter).finish();
    ran.ends_with_status(101);
    let found = differences(&ran.record());
    for (fault, expected) in faults {
        let expected: BTreeSet<_> = expected.iter().map(|text| (*text).to_owned()).collect();
        let found = found.get(&name(fault)).cloned().unwrap_or_default();
        ran.assert(found == expected, &format!("{fault}: {found:?} instead of {expected:?}"));
    }
}

/// Like [`are_found`], for faults of one server: the cases of each field must find only its fault.
#[track_caller]
fn are_found_in_one_server(filter: &str, faults: &[(&str, &str)]) {
    let names: Vec<_> = faults.iter().map(|(fault, _)| *fault).collect();
    let expected: Vec<_> = faults.iter().map(|(_, expected)| *expected).collect();
    are_found(filter, &[(&names.join(","), &expected)]);
}

fn the_same_server_has_no_finding() {
    let ran = comparison("", &peer("same", "", None)).and("--allow-untested").finish();
    ran.ends_with_status(0).prints("the same server in place of the reference server: ready");
    let record = ran.record();
    ran.assert(differences(&record)["same"].is_empty(), "nothing differs");
    let methods = record["methods"].as_array().expect("there are methods");
    ran.assert(methods.len() == 10, "every method of both services is compared");
    // The order of map entries is random in Python.
    let unstable = methods.iter().flat_map(|it| it["unstable"].as_array().into_iter().flatten());
    let unstable: BTreeSet<_> =
        unstable.map(|it| it["subject"].as_str().unwrap_or_default()).collect();
    let known = BTreeSet::from(["encoding (map-order)"]);
    ran.assert(unstable.is_subset(&known), "only the order of map entries is unstable");
    // Without cases that put a value first, there is nothing to get.
    let get = methods.iter().find(|it| it["method"] == "sample.Store.Get").expect("it is compared");
    ran.assert(get["verdict"] == "untested", "a method that never returns OK is untested");
    let echo = methods.iter().find(|it| it["method"] == "sample.Sample.Echo").expect("it is there");
    let coverage = &echo["coverage"]["response_fields"];
    ran.assert(coverage["number"] == coverage["all"], "every field has been returned");
}

fn faults_in_numbers_and_texts() {
    are_found_in_one_server(
        "Echo/generated.singular_",
        &[
            ("float-precision", "Echo: singular_float (value)"),
            ("double-as-float", "Echo: singular_double (value)"),
            ("int64-as-double", "Echo: singular_int64 (value)"),
            ("uint32-wraps", "Echo: singular_uint32 (value)"),
            ("fixed64-as-signed", "Echo: singular_fixed64 (value)"),
            ("negative-as-positive", "Echo: singular_sint32 (value)"),
            ("unknown-enum-becomes-zero", "Echo: singular_color (enum-number)"),
            ("string-normalised", "Echo: singular_string (value)"),
            ("bytes-as-latin1", "Echo: singular_bytes (value)"),
        ],
    );
}

fn faults_in_presence() {
    are_found_in_one_server(
        "Echo/generated.optional_",
        &[
            ("sign-of-zero", "Echo: optional_double (sign-of-zero)"),
            ("nan-payload", "Echo: optional_float (nan-payload)"),
            ("explicit-default-dropped", "Echo: optional_int32 (presence)"),
            ("optional-message-dropped", "Echo: optional_nested (presence)"),
            ("negative-enum", "Echo: optional_color (enum-number)"),
            ("string-truncated-at-nul", "Echo: optional_string (value)"),
            ("bytes-as-utf8", "Echo: optional_bytes (value)"),
        ],
    );
}

fn faults_in_lists() {
    are_found_in_one_server(
        "Echo/generated.repeated_",
        &[
            ("infinity-as-largest", "Echo: repeated_float[] (value)"),
            ("list-order-reversed", "Echo: repeated_int64 (order)"),
            ("list-deduplicated", "Echo: repeated_uint32 (length)"),
            ("empty-strings-dropped", "Echo: repeated_string (length)"),
            ("unknown-enums-dropped", "Echo: repeated_color (length)"),
        ],
    );
}

fn faults_in_maps_and_messages() {
    are_found_in_one_server(
        "Echo/generated.n",
        &[
            ("map-default-value-dropped", "Echo: names[] (missing-map-entry)"),
            ("nested-field-rounded", "Echo: nested.price (value)"),
        ],
    );
    are_found_in_one_server(
        "Echo/generated.c",
        &[
            ("map-entry-missing", "Echo: counts[] (missing-map-entry)"),
            ("oneof-other-branch", "Echo: choice (oneof-case)"),
            ("string-case-changed", "Echo: choice_text (value)"),
        ],
    );
    are_found_in_one_server(
        "Echo/generated.unknown-fields",
        &[("unknown-fields-dropped", "Echo: (unknown field 20) (missing-unknown-field)")],
    );
    let part = "EchoLegacy: part (presence)";
    are_found_in_one_server("EchoLegacy/generated.part", &[("legacy-group-dropped", part)]);
}

fn faults_in_well_known_types() {
    are_found_in_one_server(
        "Echo/generated.w",
        &[
            ("wrapped-default-as-null", "Echo: wrapped_int64 (presence)"),
            ("astral-characters-replaced", "Echo: wrapped_string.value (value)"),
        ],
    );
    let timestamp = ("timestamp-nanos-truncated", "Echo: timestamp.nanos (value)");
    are_found_in_one_server("Echo/generated.timestamp", &[timestamp]);
    let any = ("any-type-url-changed", "Echo: any (any-type)");
    are_found_in_one_server("Echo/generated.any", &[any]);
}

fn faults_in_statuses_and_metadata() {
    are_found(
        "Sample.Divide/",
        &[
            ("status-code-other", &["Divide: status"]),
            ("status-message-other", &["Divide: status message"]),
            ("details-missing", &["Divide: status details"]),
            (
                "details-other-field",
                &["Divide: status details: details[][sample.Problem].field (value)"],
            ),
            ("initial-metadata-missing", &["Divide: initial metadata sample-operands-bin"]),
            ("trailing-metadata-value", &["Divide: trailing metadata sample-divisor"]),
            ("binary-metadata-other", &["Divide: trailing metadata sample-divisor-bin"]),
            ("hang", &["Divide: end of the call"]),
        ],
    );
}

fn faults_in_streams() {
    are_found(
        "Sample.Count/",
        &[
            ("stream-order", &["Count: order of messages"]),
            ("stream-last-missing", &["Count: number of messages"]),
            ("stream-last-repeated", &["Count: number of messages"]),
            ("error-after-one-more-message", &["Count: number of messages"]),
            ("ok-instead-of-error", &["Count: status"]),
            ("stream-trailing-metadata-missing", &["Count: trailing metadata sample-sent"]),
        ],
    );
    are_found("Sample.Chat/", &[("utf16-length", &["Chat: characters (value)"])]);
    are_found(
        "Sample.Sum/",
        &[("nothing-to-sum", &["Sum: status"]), ("total-as-double", &["Sum: total (value)"])],
    );
}

fn other_faults() {
    are_found(
        "sample.Store.Put/",
        &[
            ("extra-header", &["Put: initial metadata x-served-by"]),
            // Both servers have seen the same calls.
            ("revision-skips", &["Put: revision (value)"]),
        ],
    );
    are_found(
        "EchoLegacy/generated.all-fields",
        &[(
            "compression",
            &["EchoLegacy: initial metadata grpc-encoding", "EchoLegacy: compression"],
        )],
    );
    are_found("Echo/generated.singular_bytes", &[("message-size-limit", &["Echo: status"])]);
    are_found("Echo/generated.optional_int32", &[("crash", &["Echo: end of the call"])]);
    // A slow response is reported, and does not fail.
    let slow = comparison("", &peer("slow", "", Some("latency")))
        .and("Sum/generated.unknown-fields")
        .finish();
    slow.ends_with_status(0).prints("latency: ").prints("reported only");
}

fn probes_of_any_method() {
    let keys = "methods = [\"sample.Sample.Divide\", \"sample.Store.Put\"]";
    let run = |peers: &str| comparison_of("\"wire\"", keys, peers).and("Put/wire.").finish();
    // The second method of its kind has a short list of probes.
    let same = run(&peer("same", "", None));
    same.ends_with_status(0).prints("17 passed, 0 failed");
    let faulty = run(&peer("faulty", "", Some("extra-header")));
    faulty.ends_with_status(101).prints("finding 1 of faulty: initial metadata x-served-by");
    let other = comparison_of("\"wire\"", keys, &peer("same", "", None)).and("--list").finish();
    let number = other.stdout.lines().filter(|line| line.contains("Divide/wire.")).count();
    other.assert(number > 300, "the first method of its kind has all probes");
}

/// A run with the cases in `text`, for a server with this fault.
fn with_cases(text: &str, keys: &str, fault: Option<&str>) -> Run {
    let keys = format!("cases = [\"cases.toml\"]\n{keys}");
    let run = comparison_of("\"user\"", &keys, &peer("faulty", "", fault));
    std::fs::write(run.path().join("cases.toml"), text).expect("cannot write a file");
    run
}

fn cases_of_the_user() {
    let store = "cases = [\"{SERVICE}/cases\"]\nmethods = [\"sample.Store.G*\"]";
    let service = std::path::Path::new(crate::programs::ROOT).join(SERVICE);
    let service = service.canonicalize().expect("the service does not exist");
    let store = store.replace("{SERVICE}", &service.to_string_lossy());
    // The setup calls put a value first, so there is something to get.
    let same = comparison_of("\"user\"", &store, &peer("same", "", None)).finish();
    same.ends_with_status(0).prints("methods of same: 2 same");
    same.prints("compare/same/sample.Store.Get/user.put-twice-then-get");
    let wait = "[[case]]\nname = \"too-long\"\nmethod = \"sample.Sample.Wait\"\n\
                request = { milliseconds = 100 }\ndeadline_ms = 50\n";
    let keys = "methods = [\"sample.Sample.Wait\"]";
    let ignored = with_cases(wait, keys, Some("deadline-ignored")).finish();
    ignored.ends_with_status(101);
    let found = differences(&ignored.record());
    ignored.assert(found["faulty"] == BTreeSet::from(["Wait: status message".to_owned()]), "one");
    let expects = format!("{wait}expect = {{ status = \"OK\" }}\n");
    let failed = with_cases(&expects, keys, None).finish();
    failed.ends_with_status(101).prints("finding 1 of faulty: ");
}

/// A setup call that fails only at the candidate is a difference of each probe.
fn setup_before_probes() {
    let setup = "[[setup]]\nmethod = \"sample.Store.Put\"\nrequest = { key = \"key\" }\n\
                 expect = { response = { revision = 1 } }\n";
    let run = |fault: Option<&str>| {
        let keys = "cases = [\"cases.toml\"]\nmethods = [\"sample.Store.Get\"]";
        let run = comparison_of("\"user\", \"wire\"", keys, &peer("faulty", "", fault));
        std::fs::write(run.path().join("cases.toml"), setup).expect("cannot write a file");
        run.and("Get/wire.te-missing").and("--allow-untested").finish()
    };
    run(None).ends_with_status(0).prints("1 passed");
    let faulty = run(Some("revision-skips"));
    faulty.ends_with_status(101).prints("finding 1 of faulty: expectation: setup");
}

fn errors_in_case_files() {
    let refused = |text: &str, message: &str| {
        let ran = with_cases(text, "", None).finish();
        ran.ends_with_status(2).prints(message);
        ran.assert(ran.trials().is_empty(), "no trial should run");
    };
    let case = |rest: &str| format!("[[case]]\nname = \"mine\"\n{rest}\n");
    refused(&case("method = \"sample.Store.Take\""), "cases.toml:3: ");
    let item = "method = \"sample.Store.Get\"\nrequest = { price = 1 }";
    refused(&case(item), "a sample.GetRequest has no field `price`; its fields are `key`");
    let twice = case("method = \"sample.Store.Get\"");
    refused(&(twice.clone() + &twice), "cases.toml:5: ");
    let undefined = "steps = [{ method = \"sample.Store.Get\", request = { key = \"{id}\" } }]";
    refused(&case(undefined), "cases.toml:3: ");
}

const DIVISOR: &str = "sample-divisor";

fn ignored_differences_are_accepted() {
    let run = |fault: Option<&str>, entries: &str| {
        let keys = format!("methods = [\"sample.Sample.Divide\"]\n{entries}");
        comparison(&keys, &peer("faulty", "", fault)).finish()
    };
    let entry = |key: &str| format!("[[ignore]]\n{key}\nreason = \"it is known\"\n");
    let divisor = format!("metadata = \"{DIVISOR}\"");
    let fault = Some("trailing-metadata-value");
    let accepted = run(fault, &entry(&divisor));
    accepted.ends_with_status(0).prints("1 same except accepted deviations");
    accepted.prints("accepted: it is known").prints("known deviations");
    let other = run(fault, &entry(&format!("{divisor}\nmethod = \"sample.Sample.Count\"")));
    other.ends_with_status(101).prints("finding 1 of faulty: trailing metadata sample-divisor");
    let unused = run(None, &entry(&divisor));
    let message =
        "peers.toml:7: `sample-divisor`: this [[ignore]] entry matches no difference; remove it";
    unused.ends_with_status(101).prints(message);
    let wrong = run(None, &entry("part = \"body\""));
    wrong.ends_with_status(2).prints("peers.toml:7: unknown variant `body`");
}

fn reports_contain_the_findings() {
    let faulty = peer("faulty", "", Some("sign-of-zero"));
    let run = comparison("", &faulty).and("Echo/generated.optional_double");
    let ran = run.finish();
    let subject = "optional_double (sign-of-zero)";
    ran.ends_with_status(101)
        .prints(&format!("finding 1 of faulty: {subject}: 1 case of sample.Sample.Echo"));
    ran.prints("reference  optional_double = -0.0 (0x8000000000000000)");
    ran.prints("candidate  optional_double = 0.0 (0x0000000000000000)");
    ran.prints("remedy     prost omits -0.0");
    ran.prints("grpcurl -plaintext -d '{\"optional_double\":-0.0}' HOST:PORT sample.Sample/Echo");
    ran.prints("--exact compare/faulty/sample.Sample.Echo/generated.optional_double");
    for name in ["report.html", "summary.md"] {
        let text = std::fs::read_to_string(ran.reports().join(name)).expect("it was written");
        ran.assert(text.contains("sign-of-zero"), &format!("{name} contains the finding"));
        ran.assert(text.contains("methods of faulty: 1 differs"), &format!("{name} has verdicts"));
    }
    let junit = std::fs::read_to_string(ran.reports().join("junit.xml")).expect("it was written");
    ran.assert(junit.contains("name=\"verdict\" value=\"differs\""), "JUnit has the verdict");
    // A report that cannot be written has a status of its own.
    let run = comparison("", &faulty).and("Echo/generated.optional_double");
    let blocked = run.path().join("output/report.html/file");
    std::fs::create_dir_all(blocked.parent().expect("it has one")).expect("cannot create a folder");
    std::fs::write(&blocked, "").expect("cannot write a file");
    run.finish().ends_with_status(3).prints("finding 1 of faulty");
}

fn servers_that_do_not_start() {
    let broken = |command: &str| {
        format!(
            "[[peer]]\nname = \"broken\"\n[peer.server]\ncommand = [\"sh\", \"-c\", \"{command}\", \"{{port}}\"]\nstart_limit_ms = 1000\n"
        )
    };
    let run =
        |command: &str| comparison("", &broken(command)).and("sample.Store.GetRevision").finish();
    let exited = run("echo no database; exit 3");
    exited
        .ends_with_status(2)
        .prints("peer `broken`: the server did not start: it exited with status 3");
    exited.prints("no database").prints("nothing could be compared");
    run("cat").ends_with_status(2).prints("it did not speak HTTP/2 at 127.0.0.1:");
}

fn attached_servers_are_not_written_to() {
    let attached = |keys: &str| {
        // Nothing listens there, and no trial needs it.
        let peers = "[[peer]]\nname = \"attached\"\nserver = { attach = \"127.0.0.1:1\" }\n";
        comparison(keys, peers)
    };
    let ran = attached("methods = [\"sample.Store.*\"]\nsafe = [\"*.Get\"]").and("--list").finish();
    ran.ends_with_status(0).prints("compare/attached/sample.Store.Get/generated.key: ");
    ran.assert(!ran.stdout.contains("sample.Store.Put"), "Put has side effects");
    let all = attached("methods = [\"sample.Store.*\"]").and("--allow-writes").and("--list");
    all.finish().prints("compare/attached/sample.Store.Put/generated.key: ");
}

fn peers_files_without_a_comparison() {
    let message = "nothing can be compared: one peer needs `reference = true` and a `server`, another peer needs a \
                   `server`, and the services need a method";
    comparison("", "").finish().ends_with_status(2).prints(message);
    let none = comparison("methods = [\"none.*\"]", &peer("same", "", None)).finish();
    none.ends_with_status(2).prints(message);
    let twice = comparison("", &peer("same", "reference = true", None)).finish();
    twice.ends_with_status(2).prints("there is already a reference");
    let unknown = comparison("restarts = \"case\"", &peer("same", "", None)).finish();
    unknown.ends_with_status(2).prints("peers.toml:5: unknown field `restarts`");
}
