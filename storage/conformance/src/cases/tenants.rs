//! Claims for shares of tenants, who has something to claim, and who waits.

use zapjobs_model::{RunId, RunStatus, TenantId};
use zapjobs_storage::{
    BATCH_MAX, ClaimRequest, ErrorKind, QueueSelection, TENANT_SHARES_MAX, TenantSelection,
    TenantShare,
};

use crate::Fixture;
use crate::actions::{claimed_ids, completed, failed, refused, retry_in};
use crate::builders::{RunBuilder, a_run, queue, run_id, seconds, tenant};
use crate::samples::a_claim;

impl Fixture {
    /// Claims for these shares.
    async fn claim_shares(&self, shares: &[(&str, usize)], limit: usize) -> Vec<RunId> {
        let request = ClaimRequest { tenants: shares_of(shares), ..a_claim(limit) };
        claimed_ids(&self.storage.claim(request).await.expect("claimed"))
    }

    /// Names of tenants that have something ready in any queue.
    async fn ready(&self) -> Vec<TenantId> {
        self.ready_in(&QueueSelection::All).await
    }

    async fn ready_in(&self, queues: &QueueSelection) -> Vec<TenantId> {
        let tenants = self.storage.ready_tenants(queues, None, TENANT_SHARES_MAX).await;
        tenants.expect("the tenants are listed")
    }

    async fn count_waiting(&self, name: &str, up_to: u64) -> u64 {
        self.storage.waiting(&tenant(name), up_to).await.expect("counted")
    }
}

fn shares_of(shares: &[(&str, usize)]) -> TenantSelection {
    let share = |(name, limit): &(&str, usize)| TenantShare { tenant: tenant(name), limit: *limit };
    TenantSelection::Shares(shares.iter().map(share).collect())
}

fn only(names: &[&str]) -> QueueSelection {
    QueueSelection::Only(names.iter().map(|name| queue(name)).collect())
}

fn of(name: &str) -> RunBuilder {
    a_run("mail").tenant(name)
}

fn names(tenants: &[&str]) -> Vec<TenantId> {
    tenants.iter().map(|name| tenant(name)).collect()
}

pub(crate) async fn shares_are_answered_in_their_order_and_each_in_claim_order(f: &Fixture) {
    let [late, urgent, first, other] = f
        .enqueue_all([
            of("b").id(5),
            of("b").id(9).priority(3).queue("q"),
            of("b").id(1).queue("q"),
            of("a").id(2).priority(9),
        ])
        .await;
    let claimed = f.claim_shares(&[("b", 10), ("a", 10)], 10).await;
    assert_eq!(claimed, [urgent, first, late, other]);
}

pub(crate) async fn a_share_bounds_what_its_tenant_gets(f: &Fixture) {
    f.enqueue_all([of("a").id(1), of("a").id(2), of("a").id(3), of("b").id(4)]).await;
    assert_eq!(
        f.claim_shares(&[("a", 2), ("b", 5)], 10).await,
        [run_id(1), run_id(2), run_id(4)],
        "what one leaves is not another's"
    );
    assert_eq!(f.claim_shares(&[("a", 2), ("b", 5)], 10).await, [run_id(3)]);
}

pub(crate) async fn a_tenant_without_a_share_gives_nothing(f: &Fixture) {
    f.enqueue_all([of("a").priority(9), of("b").id(1), of("ab")]).await;
    assert_eq!(f.claim_shares(&[("b", 5), ("none", 5)], 10).await, [run_id(1)]);
    assert_eq!(f.claim_shares(&[], 10).await, []);
}

pub(crate) async fn the_limit_cuts_the_last_shares(f: &Fixture) {
    for number in 0..9 {
        f.enqueue(of(["a", "b", "c"][number as usize % 3]).id(number)).await;
    }
    let claimed = f.claim_shares(&[("c", 2), ("a", 2), ("b", 2)], 3).await;
    assert_eq!(claimed, [run_id(2), run_id(5), run_id(0)]);
    assert_eq!(f.claim_shares(&[("c", 2)], 0).await, []);
}

pub(crate) async fn shares_hold_within_the_selected_queues(f: &Fixture) {
    let [one, _, three, _] = f
        .enqueue_all([
            of("a").queue("q"),
            of("a").queue("r").priority(5),
            of("b").queue("s"),
            of("b").queue("Q").priority(5),
        ])
        .await;
    let request = ClaimRequest {
        queues: only(&["s", "q", "s", "none"]),
        tenants: shares_of(&[("a", 9), ("b", 9)]),
        ..a_claim(9)
    };
    assert_eq!(claimed_ids(&f.storage.claim(request).await.expect("claimed")), [one, three]);
}

pub(crate) async fn the_order_of_a_share_holds_over_its_queues_together(f: &Fixture) {
    for number in 0..40 {
        let name = ["q", "r", "s"][number as usize % 3];
        f.enqueue(of("a").id(number).queue(name).priority((number % 4) as i16)).await;
    }
    let mut expected: Vec<u64> = (0..40).collect();
    expected.sort_by_key(|number| (std::cmp::Reverse(number % 4), *number));
    let expected: Vec<RunId> = expected.into_iter().map(run_id).collect();
    assert_eq!(f.claim_shares(&[("a", 100)], 100).await, expected);
}

pub(crate) async fn a_run_claimed_for_a_share_is_as_after_any_claim(f: &Fixture) {
    let id = f.enqueue(of("a")).await;
    f.clock.advance(seconds(2));
    let request = ClaimRequest { tenants: shares_of(&[("a", 1)]), ..a_claim(1) };
    let run = f.storage.claim(request).await.expect("claimed").remove(0).run;
    assert_eq!((run.status, run.attempt, run.lease.0), (RunStatus::Running, 1, 1));
    assert_eq!(run.started_at, Some(f.now()));
    assert_eq!(f.stored(id).await, run);
    assert_eq!(f.claim_shares(&[("a", 1)], 1).await, []);
}

pub(crate) async fn shares_that_make_no_sense_are_refused(f: &Fixture) {
    let id = f.enqueue(of("a")).await;
    let many: Vec<TenantShare> = (0..=TENANT_SHARES_MAX)
        .map(|number| TenantShare { tenant: tenant(&format!("t{number}")), limit: 1 })
        .collect();
    let most = TenantSelection::Shares(many[1..].to_vec());
    for tenants in [
        shares_of(&[("a", 1), ("b", 0)]),
        shares_of(&[("a", 1), ("b", 1), ("a", 2)]),
        TenantSelection::Shares(many),
    ] {
        let request = ClaimRequest { tenants, ..a_claim(5) };
        refused(f.storage.claim(request).await, ErrorKind::InvalidRequest);
    }
    let request = ClaimRequest { tenants: shares_of(&[("a", 1)]), ..a_claim(BATCH_MAX + 1) };
    refused(f.storage.claim(request).await, ErrorKind::InvalidRequest);
    let request = ClaimRequest { tenants: most, ..a_claim(5) };
    assert_eq!(f.storage.claim(request).await.expect("as many as may be"), []);
    assert_eq!(f.claim_one().await.id, id, "nothing was done before");
}

pub(crate) async fn a_claim_of_all_tenants_takes_them_together(f: &Fixture) {
    f.enqueue_all([
        of("b").id(1),
        of("a").id(2).queue("q"),
        of("b").id(3).queue("q"),
        of("a").id(4),
        of("c").id(5).priority(1),
    ])
    .await;
    let claimed = claimed_ids(&f.claim(4).await);
    assert_eq!(claimed, [run_id(5), run_id(1), run_id(2), run_id(3)]);
}

pub(crate) async fn ready_tenants_are_listed_in_the_order_of_their_names(f: &Fixture) {
    assert_eq!(f.ready().await, []);
    f.enqueue_all(["b", "a", "b", "ab", "a-1", "a0"].map(of)).await;
    f.enqueue(of("b").queue("q")).await;
    assert_eq!(f.ready().await, names(&["a", "a-1", "a0", "ab", "b"]));
}

pub(crate) async fn ready_tenants_are_listed_page_by_page(f: &Fixture) {
    f.enqueue_all(["a", "b", "c", "d"].map(of)).await;
    let page = async |after: Option<&str>, limit| {
        let after = after.map(tenant);
        let page = f.storage.ready_tenants(&QueueSelection::All, after.as_ref(), limit).await;
        page.expect("listed")
    };
    assert_eq!(page(None, 3).await, names(&["a", "b", "c"]));
    assert_eq!(page(Some("c"), 3).await, names(&["d"]));
    assert_eq!(page(Some("bb"), 1).await, names(&["c"]), "the place need not be there");
    assert_eq!(page(Some("d"), 3).await, []);
}

pub(crate) async fn only_tenants_of_the_selected_queues_are_ready(f: &Fixture) {
    f.enqueue_all([of("a").queue("q"), of("b").queue("r"), of("c").queue("s"), of("a").queue("s")])
        .await;
    assert_eq!(f.ready_in(&only(&["q"])).await, names(&["a"]));
    assert_eq!(f.ready_in(&only(&["s", "q", "s"])).await, names(&["a", "c"]));
    assert_eq!(f.ready_in(&only(&["Q", "none"])).await, []);
    assert_eq!(f.ready_in(&only(&[])).await, []);
    let queues = only(&["q", "r", "s"]);
    let page = f.storage.ready_tenants(&queues, Some(&tenant("a")), 1).await.expect("listed");
    assert_eq!(page, names(&["b"]));
}

pub(crate) async fn a_tenant_whose_last_run_was_taken_is_not_ready(f: &Fixture) {
    let [_, other] = f.enqueue_all([of("a"), of("b")]).await;
    f.enqueue(of("a")).await;
    f.claim_shares(&[("a", 1)], 1).await;
    assert_eq!(f.ready().await, names(&["a", "b"]), "one more waits");
    f.claim_shares(&[("a", 1)], 1).await;
    assert_eq!(f.ready().await, names(&["b"]));
    f.claim_run(other).await;
    assert_eq!(f.ready().await, []);
}

pub(crate) async fn a_tenant_whose_last_run_was_cancelled_is_not_ready(f: &Fixture) {
    let id = f.enqueue(of("a")).await;
    f.storage.request_cancel(id).await.expect("cancelled");
    assert_eq!(f.ready().await, []);
    f.storage.requeue(id).await.expect("requeued");
    assert_eq!(f.ready().await, names(&["a"]), "until it is requeued");
}

pub(crate) async fn a_tenant_is_ready_once_its_run_is_promoted(f: &Fixture) {
    f.enqueue(of("a").due_in(seconds(5))).await;
    assert_eq!(f.ready().await, []);
    f.clock.advance(seconds(5));
    assert_eq!(f.storage.promote(10).await.expect("promoted").count, 1);
    assert_eq!(f.ready().await, names(&["a"]));
}

pub(crate) async fn a_tenant_is_ready_again_when_its_run_is_put_back(f: &Fixture) {
    let run = f.running(of("a")).await;
    assert_eq!(f.ready().await, []);
    f.clock.advance(seconds(60));
    assert_eq!(f.storage.expired(10).await.expect("listed").len(), 1);
    let mut lost = f.transition(&run, zapjobs_model::Outcome::Lost);
    // As the model puts it back, but at once.
    (lost.status, lost.due_at) = (RunStatus::Pending, Some(f.now()));
    f.apply(lost).await;
    assert_eq!(f.ready().await, names(&["a"]));
}

pub(crate) async fn runs_that_wait_in_any_way_are_counted(f: &Fixture) {
    assert_eq!(f.count_waiting("a", 10).await, 0);
    f.settled(of("a"), retry_in(seconds(5))).await;
    f.settled(of("a"), completed()).await;
    f.settled(of("a"), failed("broken")).await;
    f.running(of("a")).await;
    f.enqueue_all([of("a").queue("q"), of("a").due_in(seconds(5)), of("b"), of("ab")]).await;
    assert_eq!(f.count_waiting("a", 10).await, 3, "pending, scheduled and awaiting a retry");
    assert_eq!(f.count_waiting("b", 10).await, 1);
    assert_eq!(f.count_waiting("none", 10).await, 0);
}

pub(crate) async fn waiting_runs_are_counted_up_to_a_number(f: &Fixture) {
    for _ in 0..3 {
        f.enqueue_all([of("a"), of("a").due_in(seconds(5))]).await;
    }
    for (up_to, counted) in [(0, 0), (1, 1), (3, 3), (4, 4), (6, 6), (7, 6), (u64::MAX, 6)] {
        assert_eq!(f.count_waiting("a", up_to).await, counted, "up to {up_to}");
    }
}

pub(crate) async fn the_count_of_waiting_runs_follows_them(f: &Fixture) {
    let [first, second] = f.enqueue_all([of("a"), of("a").due_in(seconds(5))]).await;
    f.storage.request_cancel(second).await.expect("cancelled");
    assert_eq!(f.count_waiting("a", 10).await, 1);
    let run = f.claim_run(first).await;
    assert_eq!(f.count_waiting("a", 10).await, 0);
    f.settle(&run, failed("broken")).await;
    f.storage.requeue(first).await.expect("requeued");
    assert_eq!(f.count_waiting("a", 10).await, 1);
}
