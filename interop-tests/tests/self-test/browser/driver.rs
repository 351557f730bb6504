//! Controls Chromium through chromedriver.
//!
//! WebDriver is JSON over HTTP, and the test needs only a few of its commands. The browser waits until a requested
//! element exists. Chromium is connected to chromedriver by a pipe, and exits with it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::programs::places;
use grpc_interop::process::{Logs, RunningServer};

/// How long the browser waits for an element.
const WAIT: Duration = Duration::from_secs(10);

/// The time limit of a command.
const LIMIT: Duration = Duration::from_secs(30);

/// The key of a reference to an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The paths of the required programs.
#[derive(Debug)]
pub(super) struct Programs {
    chromium: PathBuf,
    chromedriver: PathBuf,
}

/// Finds the programs. The error names the missing one.
pub(super) fn programs() -> Result<Programs, String> {
    let find = |names: &[&str]| names.iter().find_map(|name| which::which(name).ok());
    let chromium = find(&["chromium", "chromium-browser", "google-chrome"]);
    let chromedriver = find(&["chromedriver"]);
    match (chromium, chromedriver) {
        (Some(chromium), Some(chromedriver)) => Ok(Programs { chromium, chromedriver }),
        (chromium, _) => {
            let missing = if chromium.is_none() { "chromium" } else { "chromedriver" };
            Err(format!("{missing} is not installed, so the report was not tested in a browser"))
        }
    }
}

/// A browser with one window. It exits when this value is dropped.
#[derive(Debug)]
pub(super) struct Browser {
    agent: ureq::Agent,
    /// The URL of the session, below which the commands are.
    session: String,
    _driver: RunningServer,
    _profile: TempDir,
}

impl Browser {
    pub(super) fn start(programs: &Programs, logs: &Path) -> Self {
        // Chromium creates a Unix socket in TMPDIR, which may be too long for that.
        let program = format!(
            "command = ['{}', '--port=0']\n\
             environment = {{ TMPDIR = '/tmp' }}\n\
             ready = 'ChromeDriver was started successfully on port {{port}}.'",
            programs.chromedriver.display()
        );
        let program = toml::from_str(&program).expect("the program is invalid");
        let driver = RunningServer::start(&program, &places(), "127.0.0.1:0", Logs::at(logs))
            .expect("chromedriver did not start");
        let profile = tempfile::tempdir().expect("cannot create a folder for the browser");
        let mut arguments = vec![
            "--headless".to_owned(),
            "--remote-debugging-pipe".to_owned(),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        arguments.extend(QUIET.map(str::to_owned));
        if rustix::process::geteuid().is_root() {
            arguments.push("--no-sandbox".to_owned());
        }
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "binary": programs.chromium, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "implicit": WAIT.as_millis() },
        } } });
        let config = ureq::Agent::config_builder();
        // The driver is on this machine, whatever proxy the environment names.
        let config = config.proxy(None).timeout_global(Some(LIMIT));
        let config = config.http_status_as_error(false).build();
        let (agent, address) = (config.new_agent(), &driver.address);
        let new = call(&agent, &format!("http://{address}/session"), Some(&wanted));
        let id = new["sessionId"].as_str().expect("the response has no session");
        let session = format!("http://{address}/session/{id}");
        Self { agent, session, _driver: driver, _profile: profile }
    }

    pub(super) fn open(&self, url: &str) {
        self.post("url", &json!({ "url": url }));
    }

    pub(super) fn back(&self) {
        self.post("back", &json!({}));
    }

    pub(super) fn click(&self, selector: &str) {
        self.post(&format!("{}/click", self.element(selector)), &json!({}));
    }

    pub(super) fn type_into(&self, selector: &str, text: &str) {
        self.post(&format!("{}/value", self.element(selector)), &json!({ "text": text }));
    }

    /// Clears a field with the keyboard.
    pub(super) fn clear(&self, selector: &str) {
        const CONTROL: char = '\u{e009}';
        const BACKSPACE: char = '\u{e003}';
        self.type_into(selector, &format!("{CONTROL}a{CONTROL}{BACKSPACE}"));
    }

    /// The visible text of the first matching element.
    pub(super) fn text(&self, selector: &str) -> String {
        self.text_of(&self.element(selector))
    }

    /// The visible texts of all matching elements, of which there must be at least one.
    pub(super) fn texts(&self, selector: &str) -> Vec<String> {
        let found = self.post("elements", &by(selector));
        let found = found.as_array().filter(|found| !found.is_empty());
        let found = found.unwrap_or_else(|| panic!("no element matches {selector}"));
        found.iter().map(|element| self.text_of(&path(element))).collect()
    }

    /// Runs a script in the page and returns its result.
    pub(super) fn run(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Sets the size of the page. A window cannot be as narrow as a phone.
    pub(super) fn resize(&self, width: u32, height: u32) {
        let parameters =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        let command = "Emulation.setDeviceMetricsOverride";
        self.post("goog/cdp/execute", &json!({ "cmd": command, "params": parameters }));
    }

    /// A screenshot as PNG.
    pub(super) fn screenshot(&self) -> Vec<u8> {
        let picture = self.get("screenshot");
        STANDARD.decode(picture.as_str().unwrap_or_default()).expect("invalid Base64")
    }

    /// The warnings and errors in the log of the browser.
    pub(super) fn errors(&self) -> Vec<String> {
        let log = self.post("se/log", &json!({ "type": "browser" }));
        let log = log.as_array().expect("not an array");
        log.iter().filter(|entry| entry["level"] != "INFO").map(Value::to_string).collect()
    }

    fn element(&self, selector: &str) -> String {
        path(&self.post("element", &by(selector)))
    }

    fn text_of(&self, element: &str) -> String {
        self.get(&format!("{element}/text")).as_str().unwrap_or_default().to_owned()
    }

    fn get(&self, command: &str) -> Value {
        call(&self.agent, &format!("{}/{command}", self.session), None)
    }

    fn post(&self, command: &str, body: &Value) -> Value {
        call(&self.agent, &format!("{}/{command}", self.session), Some(body))
    }
}

/// Arguments that disable the background activity of the browser.
const QUIET: [&str; 7] = [
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1200,900",
];

fn by(selector: &str) -> Value {
    json!({ "using": "css selector", "value": selector })
}

fn path(element: &Value) -> String {
    format!("element/{}", element[ELEMENT].as_str().expect("the response has no element"))
}

/// Sends a command and returns its result. Panics with the error message of the driver.
fn call(agent: &ureq::Agent, url: &str, body: Option<&Value>) -> Value {
    let response = match body {
        Some(body) => agent.post(url).content_type("application/json").send(body.to_string()),
        None => agent.get(url).call(),
    };
    let mut response = response.unwrap_or_else(|error| panic!("{url}: {error}"));
    let text =
        response.body_mut().read_to_string().unwrap_or_else(|error| panic!("{url}: {error}"));
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    assert!(response.status().is_success(), "{url} {}: {text}", body.unwrap_or(&Value::Null));
    value["value"].clone()
}
