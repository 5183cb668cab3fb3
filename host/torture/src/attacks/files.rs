//! Escapes from a granted directory, and harm within one that may only be read.

use zapjobs_model::Access::{self, ReadOnly, ReadWrite};
use zapjobs_model::StopReason::Trap;

use crate::attack::Attack;
use crate::attack::Ending::{Answered, Stopped};
use crate::component::imports::FILES;
use crate::component::{Component, escaped};
use crate::place::GIVEN;

/// What holds them.
const HELD: &str = "the granted directory";
/// Where the paths lie.
const FIRST_AT: u32 = 1_024;
const SECOND_AT: u32 = 6_144;
/// Opens the only directory, and fails the attack unless what is granted can be read: a
/// directory that shows nothing would hold everything.
const OPENED: &str = r#"(local $dir i32)
    (call $directories (i32.const 128))
    (local.set $dir (i32.load (i32.load (i32.const 128))))
    (call $open (local.get $dir) (i32.const 0) (i32.const 12288) (i32.const 9) (i32.const 0)
      (i32.const 1) (i32.const 128))
    (if (i32.load8_u (i32.const 128)) (then (unreachable)))
    (call $file-read (i32.load (i32.const 132)) (i64.const 100) (i64.const 0) (i32.const 128))
    (if (i32.load8_u (i32.const 128)) (then (unreachable)))"#;
/// Whether the call that left its answer at 128 went well.
const WENT_WELL: &str = "(call $bool (i32.eqz (i32.load8_u (i32.const 128))))";

pub(super) fn attacks() -> Vec<Attack> {
    [opens(), makes(), changes(), costs()].into_iter().flatten().collect()
}

/// A component that does this with two paths, and answers whether it went well. In `body`,
/// `FIRST` and `SECOND` stand for the paths.
fn component(body: &str, first: &[u8], second: &[u8]) -> Vec<u8> {
    let put = |at: u32, bytes: &[u8]| format!("(data (i32.const {at}) \"{}\")", escaped(bytes));
    let place = |at: u32, bytes: &[u8]| format!("(i32.const {at}) (i32.const {})", bytes.len());
    let body =
        body.replace("FIRST", &place(FIRST_AT, first)).replace("SECOND", &place(SECOND_AT, second));
    Component::new()
        .import(&FILES)
        .code(put(FIRST_AT, first))
        .code(put(SECOND_AT, second))
        .code(put(12_288, b"given.txt"))
        .run(format!("{OPENED} {body} {WENT_WELL}"))
        .build()
}

/// A path, and a name for it.
const PATHS: &[(&str, &[u8])] = &[
    ("parent", b"../secret.txt"),
    ("parent-in-the-middle", b"a/../../secret.txt"),
    ("parents", b"../../../../../../../../etc/passwd"),
    ("absolute", b"/etc/passwd"),
    ("proc", b"/proc/self/environ"),
    ("proc-root", b"/proc/self/root/etc/passwd"),
    ("double-slash", b"//etc/passwd"),
    ("backslashes", b"..\\secret.txt"),
    ("nul", b"given.txt\x00/../../secret.txt"),
    ("dot-dot-alone", b".."),
    ("link-up", b"link-up"),
    ("link-absolute", b"link-absolute"),
    ("link-root", b"link-root/etc/passwd"),
    ("link-parent", b"link-parent/secret.txt"),
    ("link-in-a-loop", b"link-loop"),
    ("link-to-the-environment", b"link-environ"),
    ("file-as-a-directory", b"given.txt/../../secret.txt"),
];

fn opens() -> Vec<Attack> {
    let paths = PATHS.iter().map(|(name, path)| {
        // With links followed and not, whatever is more.
        let open = "(call $open (local.get $dir) (i32.const 1) FIRST (i32.const 0) (i32.const 1)
            (i32.const 128))";
        Attack::new(
            format!("escape-by-{name}"),
            format!("opens a file outside of its directory: {}", path.escape_ascii()),
            move |_| component(open, path, b""),
        )
        .granted(ReadOnly)
        .held_by(HELD, &[Answered("false")])
    });
    let long = Attack::new("path-of-five-thousand-bytes", "opens a path that is too long", |_| {
        let open = "(call $open (local.get $dir) (i32.const 1) FIRST (i32.const 0) (i32.const 1)
            (i32.const 128))";
        component(open, &b"a/".repeat(2_500), b"")
    })
    .granted(ReadOnly)
    .held_by(HELD, &[Answered("false")]);
    let no_text = Attack::new("path-no-utf8", "opens a path that is no UTF-8", |_| {
        let open = "(call $open (local.get $dir) (i32.const 1) FIRST (i32.const 0) (i32.const 1)
            (i32.const 128))";
        component(open, b"\xff\xfe", b"")
    })
    .granted(ReadOnly)
    .held_by("UTF-8", &[Stopped(Trap, "")]);
    paths.chain([long, no_text]).collect()
}

/// Ways out that it makes itself, where it may write.
fn makes() -> Vec<Attack> {
    let attempt = |name: &str,
                   tries: &str,
                   body: &'static str,
                   first: &'static [u8],
                   second: &'static [u8]| {
        Attack::new(name, tries, move |_| component(body, first, second))
            .granted(ReadWrite)
            .held_by(HELD, &[Answered("false")])
    };
    let through = "(call $symlink (local.get $dir) FIRST SECOND (i32.const 128))
        (call $open (local.get $dir) (i32.const 1) SECOND (i32.const 0) (i32.const 1)
          (i32.const 128))";
    vec![
        attempt(
            "make-a-link-up",
            "makes a symbolic link to a file outside, and opens it",
            through,
            b"../secret.txt",
            b"mine",
        ),
        attempt(
            "make-a-link-to-root",
            "makes an absolute symbolic link, and opens it",
            through,
            b"/etc/passwd",
            b"mine",
        ),
        attempt(
            "make-a-file-outside",
            "creates a file outside of its directory",
            "(call $open (local.get $dir) (i32.const 0) FIRST (i32.const 1) (i32.const 3)
               (i32.const 128))",
            b"../made.txt",
            b"",
        ),
        attempt(
            "make-a-file-through-a-link",
            "creates a file through a link that leads outside",
            "(call $open (local.get $dir) (i32.const 1) FIRST (i32.const 1) (i32.const 3)
               (i32.const 128))",
            b"link-parent/made.txt",
            b"",
        ),
        attempt(
            "make-a-directory-outside",
            "makes a directory outside of its own",
            "(call $make-directory (local.get $dir) FIRST (i32.const 128))",
            b"../made",
            b"",
        ),
        attempt(
            "rename-outwards",
            "moves a file out of its directory",
            "(call $rename (local.get $dir) FIRST (local.get $dir) SECOND (i32.const 128))",
            b"given.txt",
            b"../given.txt",
        ),
        attempt(
            "rename-inwards",
            "moves a file from outside into its directory",
            "(call $rename (local.get $dir) FIRST (local.get $dir) SECOND (i32.const 128))",
            b"../secret.txt",
            b"mine",
        ),
        attempt(
            "link-inwards",
            "makes a hard link to a file outside",
            "(call $link (local.get $dir) (i32.const 0) FIRST (local.get $dir) SECOND
               (i32.const 128))",
            b"../secret.txt",
            b"mine",
        ),
        attempt(
            "unlink-outside",
            "removes a file outside of its directory",
            "(call $unlink (local.get $dir) FIRST (i32.const 128))",
            b"link-parent/secret.txt",
            b"",
        ),
        attempt(
            "truncate-through-a-link",
            "empties a file outside, through a link",
            "(call $open (local.get $dir) (i32.const 1) FIRST (i32.const 8) (i32.const 2)
               (i32.const 128))",
            b"link-up",
            b"",
        ),
    ]
}

/// Changes to a directory that may only be read.
fn changes() -> Vec<Attack> {
    let attempt = |name: &str, tries: &str, body: &'static str| {
        Attack::new(name, tries, move |_| component(body, b"given.txt", b"made.txt"))
            .granted(Access::ReadOnly)
            .held_by("a grant to read", &[Answered("false")])
            .checked(|evidence| evidence.place.is_unchanged())
    };
    vec![
        attempt(
            "write-where-it-may-read",
            "opens a file to write in a directory that it may read",
            "(call $open (local.get $dir) (i32.const 0) FIRST (i32.const 0) (i32.const 2)
               (i32.const 128))",
        ),
        attempt(
            "create-where-it-may-read",
            "creates a file in a directory that it may read",
            "(call $open (local.get $dir) (i32.const 0) SECOND (i32.const 1) (i32.const 3)
               (i32.const 128))",
        ),
        attempt(
            "truncate-where-it-may-read",
            "empties a file in a directory that it may read",
            "(call $open (local.get $dir) (i32.const 0) FIRST (i32.const 8) (i32.const 1)
               (i32.const 128))",
        ),
        attempt(
            "write-through-a-reader",
            "writes to a file that it opened to read",
            "(call $open (local.get $dir) (i32.const 0) FIRST (i32.const 0) (i32.const 1)
               (i32.const 128))
             (call $file-write (i32.load (i32.const 132)) (i32.const 96) (i32.const 4)
               (i64.const 0) (i32.const 128))",
        ),
        attempt(
            "unlink-where-it-may-read",
            "removes a file of a directory that it may read",
            "(call $unlink (local.get $dir) FIRST (i32.const 128))",
        ),
        attempt(
            "rename-where-it-may-read",
            "renames a file of a directory that it may read",
            "(call $rename (local.get $dir) FIRST (local.get $dir) SECOND (i32.const 128))",
        ),
        attempt(
            "link-where-it-may-read",
            "makes a link in a directory that it may read",
            "(call $symlink (local.get $dir) FIRST SECOND (i32.const 128))",
        ),
        attempt(
            "make-a-directory-where-it-may-read",
            "makes a directory in one that it may read",
            "(call $make-directory (local.get $dir) SECOND (i32.const 128))",
        ),
    ]
}

fn costs() -> Vec<Attack> {
    debug_assert_eq!(GIVEN.len(), 5, "the attack below reads it");
    vec![
        Attack::new("read-a-file-of-all-sizes", "reads 2^64 bytes of a small file at once", |_| {
            component(
                "(call $open (local.get $dir) (i32.const 0) FIRST (i32.const 0) (i32.const 1)
                   (i32.const 128))
                 (call $file-read (i32.load (i32.const 132)) (i64.const -1) (i64.const 0)
                   (i32.const 128))
                 (if (i32.ne (i32.load (i32.const 136)) (i32.const 5)) (then (unreachable)))",
                b"given.txt",
                b"",
            )
        })
        .granted(ReadOnly)
        .held_by("bytes of one read", &[Answered("true"), Stopped(Trap, "")]),
        Attack::new("hoard-files", "opens a file again and again", |_| {
            component(
                "(loop $on
                   (call $open (local.get $dir) (i32.const 0) FIRST (i32.const 0) (i32.const 1)
                     (i32.const 128))
                   (br_if $on (i32.eqz (i32.load8_u (i32.const 128)))))",
                b"given.txt",
                b"",
            )
        })
        .granted(ReadOnly)
        .limited(&[("open_files_max", 16), ("handles_max", 200)])
        .held_by("open_files_max", &[Answered("false")]),
        Attack::new("create-files-without-end", "creates a thousand files", |_| {
            component(
                "(local.set $job (i32.const 0))
                 (loop $on
                   (i32.store (i32.const 6148)
                     (i32.add (i32.const 0x30303030) (local.get $job)))
                   (local.set $job (i32.add (local.get $job) (i32.const 1)))
                   (i32.store8 (i32.const 6148)
                     (i32.add (i32.const 97) (i32.rem_u (local.get $job) (i32.const 26))))
                   (i32.store8 (i32.const 6149)
                     (i32.add (i32.const 97) (i32.div_u (local.get $job) (i32.const 26))))
                   (call $make-directory (local.get $dir) SECOND (i32.const 128))
                   (br_if $on (i32.eqz (i32.load8_u (i32.const 128)))))",
                b"",
                b"madeAAAA",
            )
        })
        .granted(ReadWrite)
        .limited(&[("files_created_max", 50)])
        .held_by("files_created_max", &[Answered("false")])
        .checked(|evidence| match evidence.place.entries() {
            // The granted file and six links are there from the start.
            57 => Ok(()),
            entries => Err(format!("it made {entries} entries of its directory")),
        }),
        Attack::new("write-without-end", "fills the disk", |_| {
            component(
                "(call $open (local.get $dir) (i32.const 0) FIRST (i32.const 0) (i32.const 3)
                   (i32.const 128))
                 (if (i32.load8_u (i32.const 128)) (then (unreachable)))
                 (local.set $job (i32.load (i32.const 132)))
                 (loop $on
                   (call $file-write (local.get $job) (i32.const 0) (i32.const 16384)
                     (i64.mul (i64.extend_i32_u (local.get $input)) (i64.const 16384))
                     (i32.const 128))
                   (local.set $input (i32.add (local.get $input) (i32.const 1)))
                   (br_if $on (i32.eqz (i32.load8_u (i32.const 128)))))",
                b"given.txt",
                b"",
            )
        })
        .granted(ReadWrite)
        .limited(&[("file_bytes_written_max", 1 << 20), ("cpu_ms_max", 2_000)])
        .held_by("file_bytes_written_max", &[Answered("false")]),
        Attack::new("file-of-all-sizes", "makes a file of 2^60 bytes without writing them", |_| {
            component(
                "(call $open (local.get $dir) (i32.const 0) FIRST (i32.const 0) (i32.const 3)
                   (i32.const 128))
                 (if (i32.load8_u (i32.const 128)) (then (unreachable)))
                 (call $set-size (i32.load (i32.const 132)) (i64.const 0x1000000000000000)
                   (i32.const 128))",
                b"given.txt",
                b"",
            )
        })
        .granted(ReadWrite)
        .held_by("file_bytes_written_max", &[Answered("false")]),
        Attack::new("write-far-behind-the-end", "writes one byte a petabyte away", |_| {
            component(
                "(call $open (local.get $dir) (i32.const 0) FIRST (i32.const 0) (i32.const 3)
                   (i32.const 128))
                 (if (i32.load8_u (i32.const 128)) (then (unreachable)))
                 (call $file-write (i32.load (i32.const 132)) (i32.const 96) (i32.const 1)
                   (i64.const 0x4000000000000) (i32.const 128))",
                b"given.txt",
                b"",
            )
        })
        .granted(ReadWrite)
        .held_by("file_bytes_written_max", &[Answered("false")]),
    ]
}
