//! Listing runs.

use zapjobs_model::{RunId, RunStatus};
use zapjobs_storage::{Cursor, RunFilter};

use crate::Fixture;
use crate::actions::{completed, failed, ids};
use crate::builders::{MICROSECOND, a_run, job_type, queue, run_id, seconds, tag, tenant};

fn everything() -> RunFilter {
    RunFilter::default()
}

fn search(text: &str) -> RunFilter {
    RunFilter { search: Some(text.to_owned()), ..everything() }
}

fn numbered<const N: usize>(numbers: [u64; N]) -> [RunId; N] {
    numbers.map(run_id)
}

pub(crate) async fn an_unknown_run_is_absent(f: &Fixture) {
    assert_eq!(f.storage.run(run_id(1)).await.expect("read"), None);
}

pub(crate) async fn an_empty_storage_lists_nothing(f: &Fixture) {
    let page = f.page(everything(), None, 10).await;
    assert!(page.runs.is_empty());
    assert_eq!(page.next, None);
}

pub(crate) async fn the_greatest_id_comes_first(f: &Fixture) {
    f.enqueue_all([2, 5, 1, 4, 3].map(|number| a_run("mail").id(number))).await;
    assert_eq!(f.list(everything()).await, numbered([5, 4, 3, 2, 1]));
}

pub(crate) async fn a_listed_run_is_whole(f: &Fixture) {
    let run = f.settled(a_run("mail").with_everything(), failed("broken")).await;
    assert_eq!(f.page(everything(), None, 1).await.runs, [run]);
}

pub(crate) async fn pages_cover_a_listing_without_gap_or_repeat(f: &Fixture) {
    f.enqueue_all([1, 2, 3, 4, 5].map(|number| a_run("mail").id(number))).await;
    let first = f.page(everything(), None, 2).await;
    assert_eq!(ids(&first.runs), numbered([5, 4]));
    assert_eq!(first.next, Some(Cursor(run_id(4))));
    let second = f.page(everything(), Some(run_id(4)), 2).await;
    assert_eq!(ids(&second.runs), numbered([3, 2]));
    let third = f.page(everything(), second.next.map(|Cursor(id)| id), 2).await;
    assert_eq!(ids(&third.runs), numbered([1]));
    assert_eq!(third.next, None);
}

pub(crate) async fn a_full_last_page_has_no_next(f: &Fixture) {
    f.enqueue_all([1, 2].map(|number| a_run("mail").id(number))).await;
    let page = f.page(everything(), None, 2).await;
    assert_eq!(ids(&page.runs), numbered([2, 1]));
    assert_eq!(page.next, None);
}

pub(crate) async fn runs_stored_between_two_pages_do_not_move_the_second(f: &Fixture) {
    f.enqueue_all([1, 2, 3].map(|number| a_run("mail").id(number))).await;
    let first = f.page(everything(), None, 2).await;
    f.enqueue(a_run("mail").id(9)).await;
    let second = f.page(everything(), first.next.map(|Cursor(id)| id), 2).await;
    assert_eq!(ids(&second.runs), numbered([1]));
}

pub(crate) async fn a_cursor_outlives_its_run(f: &Fixture) {
    f.enqueue_all([1, 3].map(|number| a_run("mail").id(number))).await;
    assert_eq!(ids(&f.page(everything(), Some(run_id(2)), 10).await.runs), numbered([1]));
}

pub(crate) async fn pages_are_cut_after_the_filter(f: &Fixture) {
    let mail = [1, 3, 5].map(|number| a_run("mail").id(number));
    let other = [2, 4].map(|number| a_run("other").id(number));
    f.enqueue_all(mail).await;
    f.enqueue_all(other).await;
    let filter = RunFilter { job_type: Some(job_type("mail")), ..everything() };
    let page = f.page(filter.clone(), None, 2).await;
    assert_eq!(ids(&page.runs), numbered([5, 3]));
    let page = f.page(filter, page.next.map(|Cursor(id)| id), 2).await;
    assert_eq!(ids(&page.runs), numbered([1]));
    assert_eq!(page.next, None);
}

pub(crate) async fn runs_are_found_by_status(f: &Fixture) {
    f.settled(a_run("mail").id(1), completed()).await;
    f.settled(a_run("mail").id(2), failed("broken")).await;
    f.running(a_run("mail").id(3)).await;
    f.enqueue(a_run("mail").id(4)).await;
    let by = |statuses: &[RunStatus]| RunFilter { statuses: statuses.to_vec(), ..everything() };
    assert_eq!(f.list(by(&[RunStatus::Completed])).await, numbered([1]));
    let either = by(&[RunStatus::Pending, RunStatus::Failed]);
    assert_eq!(f.list(either).await, numbered([4, 2]));
    assert!(f.list(by(&[RunStatus::Cancelled])).await.is_empty());
    assert_eq!(f.list(by(&RunStatus::ALL)).await, numbered([4, 3, 2, 1]));
}

pub(crate) async fn runs_are_found_by_tenant_job_queue_and_tag(f: &Fixture) {
    f.enqueue_all([
        a_run("mail").id(1).tenant("acme").queue("fast").tag("red").tag("blue"),
        a_run("mail").id(2).tenant("acme").queue("slow").tag("blue"),
        a_run("other").id(3).tenant("zeta").queue("fast").tag("reddish"),
    ])
    .await;
    let by_tenant = RunFilter { tenant: Some(tenant("acme")), ..everything() };
    assert_eq!(f.list(by_tenant).await, numbered([2, 1]));
    let by_job = RunFilter { job_type: Some(job_type("other")), ..everything() };
    assert_eq!(f.list(by_job).await, numbered([3]));
    let by_queue = RunFilter { queue: Some(queue("fast")), ..everything() };
    assert_eq!(f.list(by_queue).await, numbered([3, 1]));
    for (name, expected) in [("blue", &[2, 1][..]), ("red", &[1]), ("r", &[]), ("RED", &[])] {
        let expected: Vec<RunId> = expected.iter().copied().map(run_id).collect();
        let by_tag = RunFilter { tag: Some(tag(name)), ..everything() };
        assert_eq!(f.list(by_tag).await, expected, "tag {name}");
    }
}

pub(crate) async fn a_tag_with_marks_is_found_as_it_is(f: &Fixture) {
    for text in ["it's \"q\"", "100%", "a_b", "ünï \u{1F980}", "[\"x\"]"] {
        let id = f.enqueue(a_run("mail").tag(text)).await;
        let by_tag = RunFilter { tag: Some(tag(text)), ..everything() };
        assert_eq!(f.list(by_tag).await, [id], "tag {text:?}");
    }
}

pub(crate) async fn runs_are_found_by_their_time_of_creation(f: &Fixture) {
    let start = f.now();
    for number in 1..=3 {
        f.enqueue(a_run("mail").id(number)).await;
        f.clock.advance(seconds(1));
    }
    let second = start.plus(seconds(1));
    let from = RunFilter { created_from: Some(second), ..everything() };
    assert_eq!(f.list(from).await, numbered([3, 2]), "the instant itself counts");
    let before = RunFilter { created_before: Some(second), ..everything() };
    assert_eq!(f.list(before).await, numbered([1]), "the instant itself does not");
    let between = RunFilter {
        created_from: Some(second),
        created_before: Some(second.plus(MICROSECOND)),
        ..everything()
    };
    assert_eq!(f.list(between).await, numbered([2]));
}

pub(crate) async fn every_condition_must_hold(f: &Fixture) {
    f.enqueue_all([
        a_run("mail").id(1).tenant("acme").queue("fast").tag("red"),
        a_run("mail").id(2).tenant("acme").queue("slow").tag("red"),
        a_run("mail").id(3).tenant("zeta").queue("fast").tag("red"),
        a_run("other").id(4).tenant("acme").queue("fast").tag("red"),
        a_run("mail").id(5).tenant("acme").queue("fast"),
    ])
    .await;
    let filter = RunFilter {
        statuses: vec![RunStatus::Pending],
        tenant: Some(tenant("acme")),
        job_type: Some(job_type("mail")),
        queue: Some(queue("fast")),
        tag: Some(tag("red")),
        created_from: Some(f.now()),
        created_before: Some(f.now().plus(MICROSECOND)),
        search: Some("mail".to_owned()),
        batch: None,
    };
    assert_eq!(f.list(filter).await, numbered([1]));
}

pub(crate) async fn the_search_looks_into_id_job_correlation_and_error(f: &Fixture) {
    f.settled(a_run("a").id(1), failed("no route to needle-host")).await;
    f.enqueue_all([
        a_run("needle-job").id(2),
        a_run("a").id(3).correlation("order needle 7"),
        a_run("a").id(4).queue("needle").tenant("needle").tag("needle").input("\"needle\""),
    ])
    .await;
    assert_eq!(f.list(search("needle")).await, numbered([3, 2, 1]), "and nowhere else");
    let id = run_id(4).to_string();
    assert_eq!(f.list(search(&id)).await, numbered([4]));
    assert_eq!(f.list(search(&id[id.len() - 3..])).await, numbered([4]));
}

pub(crate) async fn the_search_ignores_letter_case(f: &Fixture) {
    f.settled(a_run("a").id(1), failed("Connection REFUSED")).await;
    f.enqueue(a_run("SendMail").id(2)).await;
    assert_eq!(f.list(search("connection refused")).await, numbered([1]));
    assert_eq!(f.list(search("SENDMAIL")).await, numbered([2]));
    assert_eq!(f.list(search(&run_id(2).to_string().to_uppercase())).await, numbered([2]));
}

pub(crate) async fn the_search_takes_every_character_as_it_is(f: &Fixture) {
    f.enqueue_all([
        a_run("a").id(1).correlation("50% off"),
        a_run("a").id(2).correlation("50 off"),
        a_run("a").id(3).correlation("x_y"),
        a_run("a").id(4).correlation("xzy"),
        a_run("a").id(5).correlation("back\\slash"),
        a_run("a").id(6).correlation("it's [here]*?"),
    ])
    .await;
    let cases = [("0% o", 1), ("x_y", 3), ("k\\s", 5), ("t's", 6), ("[here]", 6), ("]*?", 6)];
    for (text, number) in cases {
        assert_eq!(f.list(search(text)).await, numbered([number]), "search {text:?}");
    }
}
