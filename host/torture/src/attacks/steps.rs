//! Steps without end: many, and giant ones.

use crate::attack::Attack;
use crate::attack::Ending::Answered;
use crate::component::Component;
use crate::component::imports::STEPS;

/// What holds them.
const HELD: &str = "bounds of steps";
/// Where names are written: eight hexadecimal digits.
const NAME: u32 = 1 << 10;
/// Where values are, behind all else.
const VALUE: u32 = 1 << 16;

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        Attack::new("step-bomb", "records steps for ever", |_| bomb(1, 1_000)).held_by(HELD, &END),
        Attack::new("step-hoard", "records a mebibyte in each step, for ever", |_| {
            bomb(1 << 20, 16)
        })
        .held_by(HELD, &END),
    ]
}

/// Whether it was told that the limit is reached, after as many steps as it may record.
const END: [crate::attack::Ending; 1] = [Answered("true")];

/// Records values of so many bytes, all digits, until one is refused.
fn bomb(bytes: u32, steps: u32) -> Vec<u8> {
    Component::new()
        .import(&STEPS)
        .memory_pages_more(17)
        .code(format!(
            "(func $name (param $n i32) (local $at i32)
               (loop $digit
                 (i32.store8 offset={NAME} (local.get $at)
                   (i32.add (i32.const 97) (i32.and (local.get $n) (i32.const 15))))
                 (local.set $n (i32.shr_u (local.get $n) (i32.const 4)))
                 (local.set $at (i32.add (local.get $at) (i32.const 1)))
                 (br_if $digit (i32.lt_u (local.get $at) (i32.const 8)))))"
        ))
        .run(format!(
            "(local $n i32)
             (memory.fill (i32.const {VALUE}) (i32.const 49) (i32.const {bytes}))
             (loop $on (call $reset) (call $name (local.get $n))
               (call $keep (i32.const {NAME}) (i32.const 8) (i32.const {VALUE})
                 (i32.const {bytes}) (i32.const 128))
               (local.set $n (i32.add (local.get $n) (i32.const 1)))
               (br_if $on (i32.eqz (i32.load8_u (i32.const 128)))))
             (call $bool (i32.and
               (i32.eq (i32.load8_u (i32.const 132)) (i32.const 2))
               (i32.eq (local.get $n) (i32.const {last}))))",
            last = steps + 1
        ))
        .build()
}
