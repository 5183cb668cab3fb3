//! Rules that hold for the text of one file.

use std::path::Path;

/// Lines of a source file at most, tests apart.
const LINES_MAX: usize = 600;

/// What must not stand in Rust sources. Written in two parts, so as not to find themselves.
const UNFINISHED: [&str; 3] =
    [concat!("to", "do!("), concat!("unimple", "mented!("), concat!("#[ig", "nore")];

/// Where people's own files are, on machines of different kinds.
const HOMES: [&str; 3] = [concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/ro", "ot/")];

/// People who are made up, so that an example may name their files.
const MADE_UP: [&str; 5] = ["a/", "ada", "alice", "me/", "user/"];

/// What is wrong with a file.
pub(super) fn problems(path: &Path, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let shown = path.display();
    if path.extension().is_some_and(|ending| ending == "rs") {
        let lines = text.lines().count();
        if lines > LINES_MAX && !is_test(path) {
            problems.push(format!("{shown}: {lines} lines, at most {LINES_MAX}: is it one thing?"));
        }
        problems.extend(found(path, text, &UNFINISHED, &[], "is unfinished or switched off"));
    }
    problems.extend(found(path, text, &HOMES, &MADE_UP, "is a path of someone's machine"));
    problems
}

/// The lines that have a pattern, unless what follows it is excused.
fn found(path: &Path, text: &str, patterns: &[&str], excused: &[&str], what: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(pattern) = patterns.iter().find(|one| stands_alone(line, one, excused)) {
            found.push(format!("{}:{}: `{pattern}` {what}", path.display(), number + 1));
        }
    }
    found
}

/// Whether a line has a pattern that is not the end of a longer word or path.
fn stands_alone(line: &str, pattern: &str, excused: &[&str]) -> bool {
    line.match_indices(pattern).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + pattern.len()..];
        let is_excused = excused.iter().any(|one| after.starts_with(one));
        !is_excused
            && !before.is_some_and(|before| before.is_alphanumeric() || "_-.}".contains(before))
    })
}

fn is_test(path: &Path) -> bool {
    path.iter().any(|part| part == "tests" || part == "tests.rs" || part == "benches")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> Vec<String> {
        problems(Path::new(path), text)
    }

    #[test]
    fn a_long_source_is_found_unless_it_is_a_test() {
        let text = "\n".repeat(LINES_MAX + 1);
        assert_eq!(of("host/src/lib.rs", &text).len(), 1);
        assert_eq!(of("host/tests/it.rs", &text), [""; 0]);
        assert_eq!(of("host/src/lib.rs", &text[1..]), [""; 0]);
    }

    #[test]
    fn unfinished_code_is_found_with_its_line() {
        for pattern in UNFINISHED {
            let text = format!("fn f() {{\n    {pattern}\n");
            let expected = format!("a.rs:2: `{pattern}` is unfinished or switched off");
            assert_eq!(of("a.rs", &text), [expected]);
        }
        assert_eq!(of("a.rs", concat!("my_to", "do!()")), [""; 0]);
        assert_eq!(of("a.md", concat!("to", "do!()")), [""; 0]);
    }

    #[test]
    fn paths_of_someones_machine_are_found() {
        for home in HOMES {
            assert_eq!(of("a.md", &format!("see {home}mia/x")).len(), 1, "{home}");
            assert_eq!(of("a.md", &format!("see {home}me/x")), [""; 0], "an example");
            assert_eq!(of("a.md", &format!("$CI{}{home}me", "}")), [""; 0], "{home}");
        }
    }
}
