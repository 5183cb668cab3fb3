//! Schedules from the command line.

use serde_json::json;

use crate::support::Folder;

#[test]
fn a_preview_tells_the_instants_through_a_change_of_the_clock() {
    let folder = Folder::new();
    let times = folder.json(&[
        "schedule",
        "preview",
        "0 9 * * MON-FRI",
        "--tz",
        "Europe/Lisbon",
        "--from",
        "2027-03-25T12:00:00Z",
        "--count",
        "3",
    ]);
    let expected = ["2027-03-26T09:00:00Z", "2027-03-29T08:00:00Z", "2027-03-30T08:00:00Z"];
    assert_eq!(times, json!(expected));
    let every = folder.json(&[
        "schedule",
        "preview",
        "--every",
        "90s",
        "--from",
        "2027-01-01T00:00:00Z",
        "--count",
        "2",
    ]);
    assert_eq!(every, json!(["2027-01-01T00:01:30Z", "2027-01-01T00:03:00Z"]));
    let human = folder.run(&["schedule", "preview", "0 9 * * MON-FRI", "--tz", "Europe/Lisbon"]);
    assert!(human.stdout.contains("at 09:00 on Monday to Friday"), "{}", human.stdout);
}

#[test]
fn a_schedule_that_cannot_be_is_refused_with_its_place() {
    let folder = Folder::new();
    let ended = folder.run(&["schedule", "preview", "0 25 * * *"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("hour 25 is out of bounds"), "{}", ended.stderr);
    assert!(ended.stderr.contains("\n  0 25 * * *\n    ^^"), "{}", ended.stderr);
    assert_eq!(folder.run(&["schedule", "preview"]).code, 2);
}
