//! The quick start of the README, as a script.
//!
//! **Invariant:** what runs is what stands there. The blocks are marked by their first line; the
//! two tasks of this program are in blocks without a mark, for CI runs them as steps of their
//! own.

use std::env;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process;
use crate::wasm_target::WasmToolchain;
use crate::workspace::Workspace;

/// What opens a block that is run.
const FENCE: &str = "```sh quickstart";
/// How long the quick start may take.
const TIME_MAX: Duration = Duration::from_secs(600);
/// How often it is looked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The lines of all blocks that are marked, as one script: what a reader would type into one
/// terminal.
pub(super) fn script(readme: &str) -> Result<String> {
    let mut lines = Vec::new();
    let mut is_marked = None;
    for line in readme.lines() {
        let fence = line.trim_end();
        match is_marked {
            Some(_) if fence == "```" => is_marked = None,
            Some(true) => lines.push(line),
            Some(false) => {}
            None if fence.starts_with("```") => is_marked = Some(fence == FENCE),
            None => {}
        }
    }
    if !lines.iter().any(|line| !line.trim().is_empty()) {
        bail!("README.md has no block that opens with {FENCE}");
    }
    Ok(lines.join("\n") + "\n")
}

/// Runs the script in an empty folder, with the built programs before all others in `PATH`.
pub(super) fn run(script: &str, workspace: &Workspace, wasm: &WasmToolchain) -> Result<()> {
    // Outside the checkout: below it, cargo would take a new package for a part of it.
    let folder = env::temp_dir().join(format!("zapjobs-quickstart-{}", std::process::id()));
    fs::create_dir(&folder).with_context(|| format!("create {}", folder.display()))?;
    let mut shell = Command::new("sh");
    shell.args(["-e", "-u", "-x", "-c", script]).current_dir(&folder).process_group(0);
    shell.env("PATH", process::path_with(workspace.programs().as_os_str())?);
    shell.env_remove("CARGO_TARGET_DIR");
    wasm.announce(&mut shell);
    let mut shell = shell.spawn().context("start a shell")?;
    let ended = wait(&mut shell);
    // What it left in the background, such as a host, ends with it.
    process::end_group(shell.id());
    let removed = fs::remove_dir_all(&folder);
    ended.and_then(|()| removed.with_context(|| format!("remove {}", folder.display())))
}

fn wait(shell: &mut Child) -> Result<()> {
    let started = Instant::now();
    loop {
        if let Some(status) = shell.try_wait().context("wait for the quick start")? {
            if !status.success() {
                bail!("the quick start failed: {status}; its last command is above, after a +");
            }
            return Ok(());
        }
        if started.elapsed() > TIME_MAX {
            bail!("the quick start takes longer than {} s", TIME_MAX.as_secs());
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marked_blocks_become_one_script() {
        let readme = "# It\n```sh\ncargo xtask demo\n```\n```sh quickstart\nzapjobs new hello\n\
                      cd hello\n```\n```toml\n# no\n```\n### More\n```sh quickstart\n\
                      zapjobs build\n```\ntext\n";
        let script = script(readme).expect("a script");
        assert_eq!(script, "zapjobs new hello\ncd hello\nzapjobs build\n");
    }

    #[test]
    fn a_readme_without_a_marked_block_is_refused() {
        let error = script("## Quick start\n```sh\ncargo xtask demo\n```\n").expect_err("no block");
        assert!(error.to_string().contains("sh quickstart"), "{error}");
    }
}
