use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

fn a_batch() -> Batch {
    Batch {
        id: BatchId(Uuid::from_u128(1)),
        tenant: TenantId::standard(),
        name: None,
        parent: None,
        created_at: NOW,
        is_closed: false,
        counts: BatchCounts::default(),
        completed_at: None,
        succeeded_at: None,
        on_complete: None,
        on_success: None,
    }
}

#[test]
fn a_batch_without_members_is_complete_once_it_is_closed() {
    let open = a_batch();
    assert_eq!(decide(&open), None);
    let closed = Batch { is_closed: true, ..open };
    assert_eq!(decide(&closed), Some(Settlement::CompleteWithSuccess));
}

#[test]
fn a_failed_member_that_completes_later_makes_a_success_of_it() {
    let mut batch = Batch { is_closed: true, ..a_batch() };
    batch.counts.add();
    assert_eq!(decide(&batch), None);
    batch.counts.shift(Place::Unfinished, Place::Failed);
    assert_eq!(decide(&batch), Some(Settlement::Complete));
    write(&mut batch, Settlement::Complete, NOW);
    assert_eq!(decide(&batch), None);
    batch.counts.shift(Place::Failed, Place::Unfinished);
    assert!(!batch.is_over());
    batch.counts.shift(Place::Unfinished, Place::Completed);
    assert_eq!(decide(&batch), Some(Settlement::LateSuccess));
    write(&mut batch, Settlement::LateSuccess, NOW);
    assert_eq!(decide(&batch), None);
    assert!(batch.is_over());
}

/// A random thing that happens to a batch.
#[derive(Debug, Clone, Copy)]
enum Event {
    Add,
    Shift(u8),
    Close,
    Settle,
}

fn an_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Add),
        (0..6_u8).prop_map(Event::Shift),
        (0..6_u8).prop_map(Event::Shift),
        Just(Event::Close),
        Just(Event::Settle),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_each_decision_is_made_once_and_with_reason(
        events in proptest::collection::vec(an_event(), 0..60)
    ) {
        let mut batch = a_batch();
        let (mut completions, mut successes) = (0, 0);
        for event in events {
            match event {
                Event::Add if !batch.is_closed => batch.counts.add(),
                Event::Add => {}
                Event::Close => batch.is_closed = true,
                Event::Shift(way) => {
                    let ended = [Place::Completed, Place::Failed, Place::Cancelled];
                    let (from, to) = match way {
                        0..3 => (Place::Unfinished, ended[usize::from(way)]),
                        3 => (Place::Failed, Place::Unfinished),
                        4 => (Place::Cancelled, Place::Unfinished),
                        _ => (Place::Unfinished, Place::Completed),
                    };
                    if *batch.counts.of_mut(from) > 0 {
                        batch.counts.shift(from, to);
                    }
                }
                Event::Settle => if let Some(settlement) = decide(&batch) {
                    prop_assert!(batch.is_closed && batch.counts.unfinished == 0);
                    completions += u32::from(settlement.completes());
                    successes += u32::from(settlement.succeeds());
                    let all_well = batch.counts.completed == batch.counts.total;
                    prop_assert_eq!(settlement.succeeds(), all_well);
                    write(&mut batch, settlement, NOW);
                    prop_assert_eq!(decide(&batch), None);
                },
            }
            let BatchCounts { total, unfinished, completed, failed, cancelled } = batch.counts;
            prop_assert_eq!(total, unfinished + completed + failed + cancelled);
        }
        prop_assert!(completions <= 1 && successes <= 1 && successes <= completions);
        prop_assert_eq!(completions == 1, batch.completed_at.is_some());
        prop_assert_eq!(successes == 1, batch.succeeded_at.is_some());
    }
}
