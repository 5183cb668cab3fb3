//! Workflows of durable jobs whose hosts are killed again and again: every workflow ends, and
//! each step is recorded once.
//!
//! `ZAPJOBS_WORKFLOWS=1000` makes it a long one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::time::Instant;

use serde_json::{Value, json};

use crate::server::Server;
use crate::shared::{POSTGRES, REDIS, folder_on};
use crate::support::{AT_MOST, Folder, component};

/// Runs of one workflow, each after the one before.
const LENGTH: u64 = 10;
/// Workflows, unless `ZAPJOBS_WORKFLOWS` says otherwise.
const WORKFLOWS: u64 = 30;
/// Runs that end between two deaths: up to twice as many.
const BETWEEN_DEATHS: u64 = 20;
/// Waiting runs whose steps are looked at before each death.
const LOOKED_AT: &str = "3";

fn workflows() -> u64 {
    let number = |text: String| text.parse().expect("ZAPJOBS_WORKFLOWS must be a number");
    std::env::var("ZAPJOBS_WORKFLOWS").map_or(WORKFLOWS, number)
}

/// A number below the bound that nobody foresees.
fn below(bound: u64) -> u64 {
    RandomState::new().hash_one(()) % bound
}

fn write_workflow(folder: &Folder) {
    let mut text = String::from("name = \"chain\"\n");
    for place in 0..LENGTH {
        write!(text, "[[nodes]]\nname = \"n{place}\"\njob = \"between-steps\"\n").unwrap();
        let before = place.checked_sub(1).map(|it| format!("n{it}"));
        match before {
            None => text.push_str("input = { rest = 20, work = 100 }\n"),
            Some(before) => {
                let output = format!("{{ \"$output\" = \"{before}\" }}");
                writeln!(text, "input = {{ rest = 20, work = 100, before = {output} }}").unwrap();
                writeln!(text, "after = [\"{before}\"]").unwrap();
            }
        }
    }
    std::fs::write(folder.path("chain.toml"), text).unwrap();
}

fn completed(folder: &Folder) -> u64 {
    let spans = folder.json(&["stats", "--by", "total"]);
    spans["spans"][0]["completed"].as_u64().unwrap_or(0)
}

/// What waiting runs have recorded, by run.
type Steps = BTreeMap<String, Vec<Value>>;

fn steps(folder: &Folder, run: &str) -> Vec<Value> {
    folder.json(&["runs", "steps", run]).as_array().expect("a list").clone()
}

fn look(folder: &Folder, seen: &mut Steps) {
    let waiting = ["runs", "list", "--status", "scheduled", "--limit", LOOKED_AT];
    for run in folder.json(&waiting)["runs"].as_array().expect("a list") {
        let id = run["id"].as_str().expect("an id");
        seen.insert(id.to_owned(), steps(folder, id));
    }
}

/// Kills hosts until all runs have ended. Answers how often, and the steps seen meanwhile.
fn kill_until_done(folder: &Folder, runs: u64) -> (u32, Steps) {
    let start = || Server::start(folder, &["--concurrency", "8", "--lease", "1s"]);
    let mut hosts = [start(), start()];
    let (mut deaths, mut seen, mut done) = (0, Steps::new(), 0);
    let mut next_death = below(BETWEEN_DEATHS);
    let mut moved = Instant::now();
    while done < runs {
        let now_done = completed(folder);
        if now_done > done {
            (done, moved) = (now_done, Instant::now());
        }
        assert!(moved.elapsed() < AT_MOST, "after {deaths} deaths it stands at {done} of {runs}");
        if next_death <= done && done < runs {
            look(folder, &mut seen);
            let host = &mut hosts[usize::from(below(2) == 0)];
            host.signal("KILL");
            assert_eq!(host.ended(), None, "killed by a signal");
            *host = start();
            deaths += 1;
            next_death = done + 1 + below(2 * BETWEEN_DEATHS);
        }
    }
    (deaths, seen)
}

fn all_runs(folder: &Folder) -> Vec<Value> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut arguments = vec!["runs", "list", "--limit", "1000"];
        arguments.extend(after.iter().flat_map(|cursor| ["--after", cursor]));
        let page = folder.json(&arguments);
        all.extend(page["runs"].as_array().expect("a list").iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => return all,
        }
    }
}

fn every_workflow_ends_and_each_step_is_recorded_once(folder: &Folder) {
    let (workflows, began) = (workflows(), Instant::now());
    folder.put_plugin("stepper", &component("stepper"));
    write_workflow(folder);
    // The schema is there before anyone asks for a workflow.
    Server::start(folder, &[]).stop();
    let runs = workflows * LENGTH;
    let (deaths, seen) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            for _ in 0..workflows {
                folder.json(&["workflow", "run", "chain.toml"]);
            }
        });
        let killed = kill_until_done(folder, runs);
        asking.join().expect("all were asked for");
        killed
    });

    let all = all_runs(folder);
    assert_eq!(all.len() as u64, runs, "no run was added");
    for run in &all {
        assert_eq!((&run["status"], &run["attempt"]), (&json!("completed"), &json!(1)), "{run}");
    }
    let last = all.iter().filter(|run| run["output"]["place"] == LENGTH).count() as u64;
    assert_eq!(last, workflows, "what each returned came to the end of its chain");
    let total = &folder.json(&["stats", "--by", "total"])["spans"][0];
    assert_eq!((&total["enqueued"], &total["completed"]), (&json!(runs), &json!(runs)), "{total}");
    assert_eq!((&total["failed"], &total["cancelled"]), (&json!(0), &json!(0)), "{total}");
    for (id, before) in &seen {
        let after = steps(folder, id);
        assert_eq!(after[..before.len()], before[..], "what was recorded stays as it was");
        let names: Vec<_> = after.iter().map(|step| &step["name"]).collect();
        assert_eq!(names, ["begun", "sleep:rest", "done"]);
        let run = all.iter().find(|run| run["id"] == **id).expect("it is there");
        let told = |step: &Value| json!(step["result"].to_string());
        assert_eq!(told(&after[0]), run["output"]["begun"], "{after:?}");
        assert_eq!(told(&after[2]), run["output"]["done"], "{after:?}");
    }
    let lost = all.iter().filter(|run| run["host_faults"] != 0).count();
    println!(
        "{workflows} workflows of {LENGTH} runs, {deaths} hosts killed, {lost} runs lost their \
         attempt, steps of {} compared, {:.1} s",
        seen.len(),
        began.elapsed().as_secs_f64()
    );
    assert!(deaths > 2 && lost > 0 && !seen.is_empty(), "hosts died in the middle of work");
}

#[test]
fn workflows_on_sqlite_end_however_often_hosts_are_killed() {
    every_workflow_ends_and_each_step_is_recorded_once(&Folder::new());
}

#[test]
fn workflows_on_postgres_end_however_often_hosts_are_killed() {
    every_workflow_ends_and_each_step_is_recorded_once(&folder_on(POSTGRES));
}

#[test]
fn workflows_on_redis_end_however_often_hosts_are_killed() {
    every_workflow_ends_and_each_step_is_recorded_once(&folder_on(REDIS));
}
