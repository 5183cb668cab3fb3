//! The dashboard: its types, its rules, what is committed of it, and its pages in a browser.

use anyhow::{Result, bail};

use super::{Report, Session, Step};
use crate::test::counts::Counts;
use crate::{browser, process};

pub(super) const STEP: Step = Step {
    name: "browser",
    about: "the dashboard: types, rules, dist/, its pages in a browser",
    run,
};

fn run(session: &Session) -> Result<Report> {
    let workspace = &session.workspace;
    let (web, tests) = (browser::web(workspace), browser::tests(workspace));
    for folder in [&web, &tests] {
        browser::install(folder)?;
        process::run(&mut browser::npm(folder, &["run", "check"]))?;
    }
    let mut counts = ran(&process::run_and_keep(&mut browser::npm(&web, &["test"]))?);

    let built = workspace.target().join("dashboard-dist");
    let mut build = browser::npm(&web, &["run", "build", "--", "--emptyOutDir", "--outDir"]);
    process::run(build.arg(&built))?;
    let files = browser::compare(&workspace.root().join("host/dashboard/dist"), &built)?;

    let chromium = browser::chromium()?;
    workspace.build_programs()?;
    let host = browser::Host::start(workspace)?;
    let mut playwright = browser::npm(&tests, &["test"]);
    playwright.env("ZAPJOBS_URL", host.url()).env("ZAPJOBS_CHROMIUM", chromium);
    let in_browser = ran(&process::run_and_keep(&mut playwright)?);
    if counts.passed == 0 || in_browser.passed == 0 {
        bail!("no test ran");
    }
    counts.passed += in_browser.passed;
    counts.skipped += in_browser.skipped;
    Ok(Report { tests: counts, note: format!("dist/ is fresh ({files} files)") })
}

/// Reads the summaries of vitest (`Tests  32 passed (32)`) and Playwright (`7 passed (20.1s)`).
fn ran(output: &str) -> Counts {
    let mut counts = Counts::default();
    for line in output.lines() {
        let line = plain(line);
        let line = line.trim();
        let line = line.strip_prefix("Tests").map_or(line, str::trim);
        for part in line.split('|') {
            let mut words = part.split_whitespace();
            let Some(number) = words.next().and_then(|word| word.parse::<u64>().ok()) else {
                break;
            };
            match words.next() {
                Some("passed") => counts.passed += number,
                Some("skipped") => counts.skipped += number,
                _ => {}
            }
        }
    }
    counts
}

/// The line without the codes that colour it.
fn plain(line: &str) -> String {
    let mut parts = line.split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_of_both_runners_are_counted() {
        let vitest = "\x1b[2m Test Files \x1b[22m \x1b[32m8 passed\x1b[39m (8)\n\
                      \x1b[2m      Tests \x1b[22m \x1b[1m\x1b[32m32 passed\x1b[39m | 2 skipped (34)\n";
        let counts = ran(vitest);
        assert_eq!((counts.passed, counts.skipped), (32, 2));
        let playwright =
            "  ✓  1 specs/run.spec.ts:5:1 › what 3 passed\n\n  1 skipped\n  7 passed (20.1s)\n";
        let counts = ran(playwright);
        assert_eq!((counts.passed, counts.skipped), (7, 1));
    }
}
