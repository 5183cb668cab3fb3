//! Calendars and templates from the command line.

use std::fs;

use serde_json::json;

use crate::server::Server;
use crate::support::{Folder, component};

const WEEKENDS: &str = r#"
    description = "no weekends"
    time_zone = "Europe/Lisbon"
    dates = [2027-04-02]
    weekdays = ["SAT-SUN"]
"#;

#[test]
fn a_calendar_is_kept_asked_and_let_go() {
    let folder = Folder::new();
    folder.put_plugin("hello", &component("hello"));
    let _server = Server::start(&folder, &[]);
    fs::write(folder.path("weekends.toml"), WEEKENDS).unwrap();
    let put = folder.json(&["calendar", "put", "weekends", "weekends.toml"]);
    assert_eq!(put, json!({ "name": "weekends", "revision": 1, "schedules_moved": 0 }));
    let checked = folder.json(&["calendar", "check", "weekends", "--at", "2027-04-02T10:00:00Z"]);
    assert_eq!(
        checked,
        json!({ "at": "2027-04-02T10:00:00Z", "excluded": true, "next_open": "2027-04-04T23:00:00Z" })
    );
    let times = folder.json(&[
        "schedule",
        "preview",
        "0 9 * * *",
        "--tz",
        "Europe/Lisbon",
        "--from",
        "2027-04-01T00:00:00Z",
        "--count",
        "2",
        "--calendar",
        "weekends",
    ]);
    assert_eq!(times, json!(["2027-04-01T08:00:00Z", "2027-04-05T08:00:00Z"]));

    let schedule = ["schedule", "add", "it", "--job", "greet", "0 9 * * *"];
    let of = ["--calendar", "weekends", "--on-excluded", "next-open-time"];
    let input = ["--input", r#"{"name":"Ada"}"#];
    folder.json(&[schedule.as_slice(), &of, &input].concat());
    let shown = folder.run(&["schedule", "show", "it"]).stdout;
    assert!(shown.contains("weekends; times that they exclude are moved"), "{shown}");
    let refused = folder.run(&["calendar", "delete", "weekends"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("is used by it"), "{}", refused.stderr);
    let edited = folder.json(&["schedule", "edit", "it", "--no-calendar"]);
    assert_eq!(edited["calendars"], json!([]));
    assert_eq!(folder.json(&["calendar", "delete", "weekends"]), json!({ "deleted": "weekends" }));
    assert_eq!(folder.json(&["calendar", "list"]), json!({ "calendars": [] }));

    let unknown = folder.run(&[schedule.as_slice(), &of].concat());
    assert!(unknown.stderr.contains("no calendar weekends"), "{}", unknown.stderr);
    fs::write(folder.path("bad.json"), r#"{"weekdays":["Caturday"]}"#).unwrap();
    let bad = folder.run(&["calendar", "put", "bad", "bad.json"]);
    assert_eq!(bad.code, 2);
    assert!(bad.stderr.contains("use MON to SUN"), "{}", bad.stderr);
}

const WELCOME: &str = r#"
    job = "greet"
    tags = ["welcome"]
    [input]
    name = { "$param" = "who" }
    [parameters.who]
    schema = { type = "string", minLength = 2 }
    example = "Ada"
"#;

#[test]
fn a_template_is_kept_and_filled_in() {
    let folder = Folder::new();
    folder.put_plugin("hello", &component("hello"));
    let _server = Server::start(&folder, &[]);
    fs::write(folder.path("welcome.toml"), WELCOME).unwrap();
    let put = folder.json(&["template", "put", "welcome", "welcome.toml"]);
    assert_eq!(put, json!({ "name": "welcome", "revision": 1 }));
    let listed = folder.run(&["template", "list"]).stdout;
    assert!(listed.contains("welcome") && listed.contains("who"), "{listed}");
    let id = folder.json(&["enqueue", "--template", "welcome", "--param", "who=Grace"]);
    let run = folder.json(&["runs", "show", id["id"].as_str().unwrap()]);
    assert_eq!(run["input"], json!({ "name": "Grace" }));
    assert_eq!(
        (&run["metadata"], &run["priority"]),
        (&json!({ "template": "welcome" }), &json!(0))
    );
    for (params, wanted) in [
        (&[][..], "the parameter who is missing"),
        (&["--param", "who=x"][..], "the parameter who does not fit"),
        (&["--param", "who=Ada", "--param", "whom=Eve"][..], "no parameter whom: it takes who"),
    ] {
        let arguments = [["enqueue", "--template", "welcome"].as_slice(), params].concat();
        let ended = folder.run(&arguments);
        assert_eq!(ended.code, 2);
        assert!(ended.stderr.contains(wanted), "{}", ended.stderr);
    }
    assert_eq!(folder.run(&["enqueue"]).code, 2);
    assert_eq!(folder.run(&["enqueue", "greet", "--template", "welcome"]).code, 2);
    assert_eq!(folder.json(&["template", "delete", "welcome"]), json!({ "deleted": "welcome" }));
    assert_eq!(folder.run(&["template", "show", "welcome"]).code, 2);
}
