//! Tests the HTML report in a real browser: from the matrix to the wrong byte.
//!
//! The test clicks through the report of a run with three faulty peers. It needs Chromium and chromedriver, and is
//! ignored without them.

mod driver;
mod picture;

use libtest_mimic::{Completion, Trial};

use self::driver::Browser;
use crate::mutants::with_tables;
use crate::run::BEYOND_SQUARE_ROOT;
use crate::run::Ran;
use crate::run::Run;

/// Three faulty servers, and a client without a fault.
const PEERS: &str = r#"
[[peer]]
name = "rust"
language = "Rust, without a fault"
agent = { command = ["{bin}/calculator-agent"] }

[[peer]]
name = "drops-the-sign-of-zero"
language = "a server that replaces -0.0 by 0.0"
server = { command = ["{bin}/interop-mutants", "server", "drops-the-sign-of-zero", "{address}"], ready = "Listening on {address}" }

[[peer]]
name = "one-wrong-answer"
language = "a server whose square root of 2 has one wrong bit"
server = { command = ["{bin}/interop-mutants", "server", "one-wrong-answer", "{address}"], ready = "Listening on {address}" }

[[peer]]
name = "speaks-html"
language = "a server whose error messages are HTML"
server = { command = ["{bin}/interop-mutants", "server", "speaks-html", "{address}"], ready = "Listening on {address}" }
"#;

/// The cell of the server whose square root of 2 is wrong.
const CELL: &str = "calls/one-wrong-answer/rust";

/// The error message of the mutant `speaks-html`. It changes the title of a page that does not escape it.
const HTML: &str = "</script><img src=x onerror=document.title='taken'>";

pub(crate) fn tests() -> Vec<Trial> {
    vec![Trial::ignorable_test("browser/report", || match driver::programs() {
        Err(missing) => Ok(Completion::ignored_with(missing)),
        Ok(programs) => {
            report(&programs);
            Ok(Completion::Completed)
        }
    })]
}

fn report(programs: &driver::Programs) {
    let ran = run();
    let browser = Browser::start(programs, &ran.folder.path().join("browser"));
    let page = format!("file://{}", ran.reports().join("report.html").display());
    browser.open(&page);
    three_clicks_to_the_byte(&browser);
    back_and_filters(&browser);
    a_trial_that_passed(&browser);
    a_byte_that_is_missing(&browser, &page);
    html_is_text(&browser, &page);
    fits_a_phone(&browser, &page);
    assert_eq!(browser.errors(), Vec::<String>::new(), "the browser should report no error");
}

/// A run with these peers.
fn run() -> Ran {
    let run = Run::new().with_file("--peers", "peers.toml", PEERS).and("calls/");
    let run = with_tables(run, &["values.toml", "errors.toml"]).skipping(&BEYOND_SQUARE_ROOT);
    // Excludes cases with other deviations from grpcio.
    let ran = run.skipping(&["unknown-", "wrong-case", "message-"]).finish();
    ran.ends_with_status(101).prints("calls/one-wrong-answer/rust/root-of-2-is-rounded");
    ran
}

/// A selector that matches only while this trial or cell is shown.
fn shown(fragment: &str, selector: &str) -> String {
    format!(r#"html[data-shown="{fragment}"] {selector}"#)
}

fn three_clicks_to_the_byte(browser: &Browser) {
    let cell = browser.text(&format!(r##".matrix a[href="#{CELL}"]"##));
    assert!(cell.starts_with("✗ 1 failed\n✓ "), "the matrix should have the counts: {cell}");
    browser.click(&format!(r##".matrix a[href="#{CELL}"]"##));
    let first = browser.text(&shown(CELL, "#rows tr"));
    assert!(
        first.starts_with("✗ failed root-of-2-is-rounded "),
        "the failed trial should be first: {first}"
    );
    browser.click(&shown(CELL, "#rows a"));
    let trial = format!("{CELL}/root-of-2-is-rounded");
    let marks = browser.texts(&shown(&trial, "#details .hex .observed mark"));
    assert_eq!(marks, ["f4"], "only the wrong byte should be marked");
    let words = browser.text("#details .bytes .first");
    assert_eq!(words, "In the bytes of root: byte 1 is f4 instead of f3");
    let wire = browser.texts("#details .event.server mark");
    assert_eq!(wire, ["f4"], "the wrong byte should be marked in the trace");
    let parts = browser.texts("#details .annotated dd:last-child .part");
    assert_eq!(parts, ["0d\nfield 1 fixed32", "f4 04 b5 3f\nvalue 1.4142137 (0x3fb504f4)"]);
}

fn back_and_filters(browser: &Browser) {
    browser.back();
    let all = browser.texts(&shown(CELL, "#rows a")).len();
    assert!(all > 20, "the list should be shown again; it has {all} trials");
    browser.type_into("#filter [name=text]", "root-of-3");
    let rows = browser.texts(&shown(&format!("{CELL}?text=root-of-3"), "#rows a"));
    assert_eq!(rows, ["root-of-3-is-rounded"]);
    assert_eq!(browser.text("#count"), format!("1 of {all} trials"));
    browser.click("#filter [value=failed]");
    let both = format!("{CELL}?text=root-of-3&verdict=failed");
    assert_eq!(browser.text(&shown(&both, "#count")), format!("0 of {all} trials"));
    browser.clear("#filter [name=text]");
    let rows = browser.texts(&shown(&format!("{CELL}?verdict=failed"), "#rows a"));
    assert_eq!(rows, ["root-of-2-is-rounded"]);
    browser.click("#filter [value=failed]");
}

fn a_trial_that_passed(browser: &Browser) {
    let name = format!("{CELL}/root-of-16");
    browser.click(&shown(CELL, &format!(r##"#rows a[href="#{name}"]"##)));
    assert_eq!(browser.text(&shown(&name, "#details .verdict")), "✓ passed");
    let rows = browser.texts("#details .comparison tbody tr");
    assert!(
        rows.iter()
            .any(|row| row.starts_with("root 4.0 (0x40800000)") && row.ends_with("= as expected")),
        "the comparison should have the root: {rows:?}"
    );
    let again = browser.text("#details .command code");
    assert!(
        again.ends_with(&format!("--exact {name}'")),
        "the command to run the trial again should be shown: {again}"
    );
}

fn a_byte_that_is_missing(browser: &Browser, page: &str) {
    let name = "calls/drops-the-sign-of-zero/rust/negative-zero";
    browser.open(&format!("{page}#{name}"));
    let words = browser.text(&shown(name, "#details .bytes .first"));
    assert_eq!(words, "In the bytes of root: byte 0 (0d) is missing; 5 bytes of 5 missing");
    assert_eq!(browser.texts("#details .hex .observed mark"), ["·· ·· ·· ·· ··"]);
    let wire = browser.texts("#details .event.server mark");
    assert_eq!(wire, ["00 00 00 00"], "the length of an empty message should be marked");
}

fn html_is_text(browser: &Browser, page: &str) {
    let name = "calls/speaks-html/rust/negative-number";
    browser.open(&format!("{page}#{name}"));
    let observed = browser.text(&shown(name, "#details .differs [data-label=observed]"));
    assert!(observed.contains(HTML), "the message should be shown as text: {observed}");
    let is_interpreted =
        "return document.title.includes('taken') || !!document.querySelector('img')";
    assert_eq!(browser.run(is_interpreted), false, "the message should not be interpreted as HTML");
}

fn fits_a_phone(browser: &Browser, page: &str) {
    browser.resize(360, 740);
    let trial = format!("{CELL}/root-of-2-is-rounded");
    for fragment in ["", CELL, &trial] {
        browser.open(&format!("{page}#{fragment}"));
        browser.text(&shown(fragment, "main:not([hidden])"));
        let wider = browser.run(
            "const page = document.documentElement; \
             return [innerWidth, Math.max(0, page.scrollWidth - page.clientWidth)]",
        );
        assert_eq!(
            wider,
            serde_json::json!([360, 0]),
            "the page should not be wider than the screen: #{fragment}"
        );
        picture::assert_is_not_blank(&browser.screenshot());
    }
}
