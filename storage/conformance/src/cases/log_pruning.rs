//! Deleting old logs of runs that stay.

use zapjobs_model::{LogEntry, Outcome, Run, RunId, RunStatus, Timestamp};
use zapjobs_storage::{BATCH_MAX, ErrorKind, LogPageRequest, PruneRequest};

use crate::Fixture;
use crate::actions::{completed, failed, refused, retry_in};
use crate::builders::{MICROSECOND, a_line, a_run, seconds};

impl Fixture {
    pub(super) async fn prune_logs(&self, finished_before: Timestamp, limit: usize) -> usize {
        let request = PruneRequest { finished_before, limit };
        self.storage.prune_logs(request).await.expect("the logs are pruned")
    }

    /// Prunes the logs of all runs that ended before an instant. Answers how many entries went.
    pub(super) async fn prune_all_logs(&self, finished_before: Timestamp) -> usize {
        let mut gone = 0;
        loop {
            match self.prune_logs(finished_before, 100).await {
                0 => return gone,
                more => gone += more,
            }
        }
    }

    pub(super) async fn log_lines(&self, run: RunId, lease: u32, count: u32) {
        let lines: Vec<LogEntry> = (0..count).map(|index| a_line(run, lease, index)).collect();
        self.storage.append_logs(&lines).await.expect("kept");
    }

    /// A run with so many log entries that ends now; time then passes.
    pub(super) async fn logged_run(&self, lines: u32) -> RunId {
        let run = self.running(a_run("mail")).await;
        self.log_lines(run.id, 1, lines).await;
        self.settle(&run, completed()).await;
        self.clock.advance(seconds(1));
        run.id
    }

    /// Prunes step by step, at most `limit` entries at once, and expects these logs to go in
    /// this order.
    async fn prunes_in_order(&self, logs: &[(RunId, &[&str])], limit: usize) {
        let all: Vec<(RunId, &str)> =
            logs.iter().flat_map(|(run, log)| log.iter().map(|line| (*run, *line))).collect();
        let mut gone = 0;
        while gone < all.len() {
            let step = self.prune_logs(self.now(), limit).await;
            assert!((1..=limit).contains(&step), "{step} entries went with {gone} gone before");
            gone += step;
            let mut left = Vec::new();
            for (run, _) in logs {
                left.extend(self.log(*run).await.into_iter().map(|line| (*run, line)));
            }
            let expected = all[gone..].iter().map(|(run, line)| (*run, (*line).to_owned()));
            assert_eq!(left, expected.collect::<Vec<_>>(), "after {gone} went");
        }
        assert_eq!(self.prune_logs(self.now(), limit).await, 0);
    }
}

pub(crate) async fn logs_of_runs_that_ended_before_the_instant_go_and_the_runs_stay(f: &Fixture) {
    let old = f.logged_run(3).await;
    let new = f.logged_run(2).await;
    let stored = f.stored(old).await;
    let ended = f.stored(new).await.finished_at.expect("it has ended");
    assert_eq!(f.prune_all_logs(ended).await, 3);
    assert!(f.log(old).await.is_empty());
    assert_eq!(f.stored(old).await, stored);
    assert_eq!(f.log(new).await.len(), 2, "it ended at the instant, not before");
    assert_eq!(f.prune_all_logs(ended.plus(MICROSECOND)).await, 2);
    assert!(f.log(new).await.is_empty());
}

pub(crate) async fn an_empty_storage_has_no_logs_to_prune(f: &Fixture) {
    assert_eq!(f.prune_logs(f.now(), 10).await, 0);
    f.enqueue(a_run("mail")).await;
    assert_eq!(f.prune_logs(f.now().plus(seconds(9)), 10).await, 0);
}

pub(crate) async fn logs_of_runs_that_have_not_ended_stay(f: &Fixture) {
    let retrying = f.settled(a_run("mail"), retry_in(seconds(5))).await.id;
    let running = f.running(a_run("mail")).await.id;
    let put_back = f.enqueue(a_run("mail").due_in(seconds(5))).await;
    let pending = f.enqueue(a_run("mail")).await;
    for run in [retrying, running, put_back, pending] {
        f.log_lines(run, 1, 2).await;
    }
    f.clock.advance(seconds(86_400));
    assert_eq!(f.prune_logs(f.now(), 10).await, 0);
    for run in [retrying, running, put_back, pending] {
        assert_eq!(f.log(run).await.len(), 2);
    }
}

pub(crate) async fn logs_of_every_way_to_end_are_pruned(f: &Fixture) {
    let waiting = f.enqueue(a_run("mail")).await;
    f.storage.request_cancel(waiting).await.expect("cancelled");
    let failed = f.settled(a_run("mail"), failed("broken")).await.id;
    let completed = f.settled(a_run("mail"), completed()).await.id;
    for run in [waiting, failed, completed] {
        f.log_lines(run, 1, 1).await;
    }
    f.clock.advance(seconds(1));
    assert_eq!(f.prune_all_logs(f.now()).await, 3);
}

pub(crate) async fn logs_of_runs_that_ended_earliest_go_first(f: &Fixture) {
    f.enqueue_all([a_run("mail"), a_run("mail"), a_run("mail")]).await;
    let runs: Vec<Run> = f.claim(3).await.into_iter().map(|claimed| claimed.run).collect();
    for at in [2, 0, 1] {
        f.log_lines(runs[at].id, 1, 2).await;
        f.settle(&runs[at], completed()).await;
        f.clock.advance(seconds(1));
    }
    let log: &[&str] = &["line 1.0", "line 1.1"];
    let expected = [2, 0, 1].map(|at| (runs[at].id, log));
    f.prunes_in_order(&expected, 3).await;
}

pub(crate) async fn logs_of_runs_that_ended_together_go_by_their_ids(f: &Fixture) {
    f.enqueue_all([a_run("mail").id(3), a_run("mail").id(1), a_run("mail").id(2)]).await;
    let mut runs: Vec<Run> = f.claim(3).await.into_iter().map(|claimed| claimed.run).collect();
    runs.sort_by_key(|run| run.id);
    for at in [1, 2, 0] {
        f.log_lines(runs[at].id, 1, 2).await;
        f.settle(&runs[at], completed()).await;
    }
    f.clock.advance(seconds(1));
    let log: &[&str] = &["line 1.0", "line 1.1"];
    let expected: Vec<_> = runs.iter().map(|run| (run.id, log)).collect();
    f.prunes_in_order(&expected, 1).await;
}

pub(crate) async fn the_oldest_entries_of_a_run_go_first(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let names = [(2, 0), (1, 10), (1, 2), (10, 0)];
    let lines = names.map(|(lease, index)| a_line(run.id, lease, index));
    f.storage.append_logs(&lines).await.expect("kept");
    f.settle(&run, completed()).await;
    f.clock.advance(seconds(1));
    let expected: &[&str] = &["line 1.2", "line 1.10", "line 2.0", "line 10.0"];
    f.prunes_in_order(&[(run.id, expected)], 1).await;
}

pub(crate) async fn a_limit_of_no_entries_prunes_none(f: &Fixture) {
    let run = f.logged_run(2).await;
    assert_eq!(f.prune_logs(f.now(), 0).await, 0);
    assert_eq!(f.log(run).await.len(), 2);
    assert_eq!(f.prune_all_logs(f.now()).await, 2, "no place was noted");
}

pub(crate) async fn pruning_too_many_entries_is_refused(f: &Fixture) {
    let run = f.logged_run(1).await;
    let request = PruneRequest { finished_before: f.now(), limit: BATCH_MAX + 1 };
    refused(f.storage.prune_logs(request).await, ErrorKind::InvalidRequest);
    assert_eq!(f.log(run).await.len(), 1);
    let most = PruneRequest { limit: BATCH_MAX, ..request };
    assert_eq!(f.storage.prune_logs(most).await.expect("pruned"), 1);
}

pub(crate) async fn runs_without_a_log_do_not_end_the_pruning(f: &Fixture) {
    for _ in 0..120 {
        f.settled(a_run("mail"), completed()).await;
    }
    f.clock.advance(seconds(1));
    let logged = f.logged_run(1).await;
    assert_eq!(f.prune_logs(f.now(), 1).await, 1);
    assert!(f.log(logged).await.is_empty());
}

pub(crate) async fn entries_that_come_late_stay_until_their_run_is_deleted(f: &Fixture) {
    let early = f.logged_run(1).await;
    let later = f.logged_run(1).await;
    assert_eq!(f.prune_all_logs(f.now()).await, 2);
    f.log_lines(early, 2, 1).await;
    f.clock.advance(seconds(60));
    assert_eq!(f.prune_logs(f.now(), 10).await, 0, "its place was passed");
    assert_eq!(f.log(early).await, ["line 2.0"]);
    assert_eq!(f.prune_all(f.now()).await, 2);
    assert!(f.log(early).await.is_empty());
    assert!(!f.holds(later).await);
}

pub(crate) async fn runs_that_end_behind_the_place_are_pruned_in_their_turn(f: &Fixture) {
    f.logged_run(2).await;
    assert_eq!(f.prune_all_logs(f.now()).await, 2);
    for _ in 0..3 {
        let next = f.logged_run(2).await;
        assert_eq!(f.prune_all_logs(f.now()).await, 2);
        assert!(f.log(next).await.is_empty());
    }
}

pub(crate) async fn a_log_that_was_not_deleted_to_its_end_is_gone_on_with(f: &Fixture) {
    let run = f.logged_run(3).await;
    let next = f.logged_run(1).await;
    assert_eq!(f.prune_logs(f.now(), 1).await, 1);
    f.log_lines(run, 2, 1).await;
    let log: &[&str] = &["line 1.1", "line 1.2", "line 2.0"];
    f.prunes_in_order(&[(run, log), (next, &["line 1.0"])], 1).await;
}

pub(crate) async fn a_deleted_run_does_not_move_the_place(f: &Fixture) {
    let [first, second] = [f.logged_run(1).await, f.logged_run(1).await];
    assert_eq!(f.prune_logs(f.now(), 1).await, 1);
    let all = PruneRequest { finished_before: f.stored(second).await.created_at, limit: 1 };
    f.storage.prune(all).await.expect("pruned");
    assert!(!f.holds(first).await, "the place is the place of a run that is gone");
    assert_eq!(f.prune_all_logs(f.now()).await, 1);
    assert!(f.log(second).await.is_empty());
}

pub(crate) async fn a_requeued_runs_log_stays_until_it_has_ended_again(f: &Fixture) {
    let run = f.settled(a_run("mail"), failed("broken")).await;
    f.log_lines(run.id, 1, 1).await;
    f.clock.advance(seconds(1));
    f.storage.requeue(run.id).await.expect("requeued");
    assert_eq!(f.prune_logs(f.now(), 10).await, 0, "it waits");
    let again = f.claim_one().await;
    assert_eq!(f.prune_logs(f.now(), 10).await, 0, "it runs");
    f.log_lines(run.id, 2, 1).await;
    f.settle(&again, completed()).await;
    assert_eq!(f.log(run.id).await.len(), 2);
    f.clock.advance(seconds(1));
    assert_eq!(f.prune_all_logs(f.now()).await, 2);
    assert_eq!(f.status(run.id).await, RunStatus::Completed);
}

pub(crate) async fn a_run_that_ends_again_is_pruned_again(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.log_lines(run.id, 1, 2).await;
    f.settle(&run, failed("broken")).await;
    f.clock.advance(seconds(1));
    assert_eq!(f.prune_all_logs(f.now()).await, 2);
    f.storage.requeue(run.id).await.expect("requeued");
    let again = f.claim_one().await;
    f.log_lines(run.id, 2, 3).await;
    f.settle(&again, Outcome::Completed(zapjobs_model::Json::null())).await;
    f.clock.advance(seconds(1));
    assert_eq!(f.prune_all_logs(f.now()).await, 3);
    assert!(f.log(run.id).await.is_empty());
}

pub(crate) async fn a_log_that_was_pruned_in_part_is_followed_as_before(f: &Fixture) {
    let run = f.logged_run(4).await;
    assert_eq!(f.prune_logs(f.now(), 1).await, 1);
    let after = Some((zapjobs_model::Lease(1), 0));
    let request = LogPageRequest { run, after, limit: 2 };
    let page = f.storage.log_page(request).await.expect("the log is read");
    assert_eq!(page.entries, [a_line(run, 1, 1), a_line(run, 1, 2)]);
    assert!(page.has_more);
}
