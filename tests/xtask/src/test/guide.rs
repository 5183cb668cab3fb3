//! What the README and the guides tell readers to type, as one script.
//!
//! **Invariant:** what runs is what stands there. A block says by its first line what it is:
//!
//! | block | what becomes of it |
//! |---|---|
//! | `sh run` | its lines are typed, and each has to end well |
//! | `sh fails` | each of its lines has to fail |
//! | `sh serve` | its line goes on beside the others, from when it says `ready` to the page's end |
//! | `LANGUAGE file NAME` | it is what the file NAME holds |
//!
//! All others are for reading only. The README comes first, and leaves its folder to the guides;
//! each of them begins there.

use std::env;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::process;
use crate::wasm_target::WasmToolchain;
use crate::workspace::Workspace;

/// How long all of it may take.
const TIME_MAX: Duration = Duration::from_secs(900);
/// How often it is looked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Functions that blocks become calls of. A host that was started is looked at for 30 seconds,
/// and so are files that were put into its plugins directory: a person types no faster.
const PRELUDE: &str = r#"
serving=
serve() {
    "$@" > "$AROUND/serve.out" 2>&1 &
    serving=$!
    looks=0
    until grep -q '^ready' "$AROUND/serve.out"; do
        looks=$((looks + 1))
        if [ $looks -gt 300 ] || ! kill -0 $serving; then cat "$AROUND/serve.out"; exit 1; fi
        sleep 0.1
    done
}
end_of_page() {
    if [ -n "$serving" ]; then kill -TERM $serving; wait $serving; serving=; fi
}
settled() {
    looks=0
    while [ -n "$serving" ] && zapjobs plugins list | grep -q unserved; do
        looks=$((looks + 1))
        if [ $looks -gt 300 ]; then zapjobs plugins list; exit 1; fi
        sleep 0.1
    done
}
fails() {
    if "$@"; then echo "this should have failed: $*"; exit 1; fi
}
"#;

/// What a block becomes.
enum Block {
    Run,
    Fails,
    Serve,
    File(String),
    Read,
}

impl Block {
    fn opened_by(fence: &str) -> Self {
        let words: Vec<&str> = fence.trim_start_matches('`').split_whitespace().collect();
        match words.as_slice() {
            ["sh", "run"] => Self::Run,
            ["sh", "fails"] => Self::Fails,
            ["sh", "serve"] => Self::Serve,
            [_, "file", name] => Self::File((*name).to_owned()),
            _ => Self::Read,
        }
    }
}

/// The script of some pages, and how many lines are typed.
pub(super) fn script(pages: &[(String, String)]) -> Result<(String, usize)> {
    let mut script = PRELUDE.to_owned();
    let mut typed = 0;
    for (at, (name, text)) in pages.iter().enumerate() {
        let lines = page(text, &mut typed).with_context(|| format!("read {name}"))?;
        ensure!(!lines.is_empty(), "{name} has no block that opens with ```sh run");
        script.push_str(&format!("echo '=== {name}'\n"));
        script.push_str(if at == 0 { "" } else { "cd \"$HERE\"\n" });
        script.push_str(&lines);
        script.push_str("end_of_page\n");
        script.push_str(if at == 0 { "HERE=$PWD\n" } else { "" });
    }
    Ok((script, typed))
}

fn page(text: &str, typed: &mut usize) -> Result<String> {
    let mut script = String::new();
    let mut open = None;
    for line in text.lines() {
        let fence = line.trim_end();
        match &open {
            Some(block) if fence == "```" => {
                if let Block::File(_) = block {
                    script.push_str("END_OF_FILE\n");
                }
                open = None;
            }
            Some(Block::Read) => {}
            Some(Block::File(_)) => script.push_str(&format!("{line}\n")),
            Some(_) if line.trim().is_empty() => {}
            Some(block) => {
                *typed += 1;
                let line = match block {
                    Block::Fails => format!("fails {line}\n"),
                    Block::Serve => format!("serve {line}\n"),
                    _ if puts_a_file(line) => format!("{line}\nsettled\n"),
                    _ => format!("{line}\n"),
                };
                script.push_str(&line);
            }
            None if fence.starts_with("```") => {
                let block = Block::opened_by(fence);
                if let Block::File(name) = &block {
                    script.push_str(&format!("cat > '{name}' <<'END_OF_FILE'\n"));
                }
                open = Some(block);
            }
            None => {}
        }
    }
    ensure!(open.is_none(), "a block is never closed");
    Ok(script)
}

fn puts_a_file(line: &str) -> bool {
    line.contains("plugins/") && (line.starts_with("cp ") || line.starts_with("mv "))
}

/// Runs the script in an empty folder, with the built programs before all others in `PATH`.
pub(super) fn run(script: &str, workspace: &Workspace, wasm: &WasmToolchain) -> Result<()> {
    // Outside the checkout: below it, cargo would take a new package for a part of it.
    let around = env::temp_dir().join(format!("zapjobs-guides-{}", std::process::id()));
    let folder = around.join("work");
    fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    let mut shell = Command::new("sh");
    shell.args(["-e", "-u", "-x", "-c", script]).current_dir(&folder).process_group(0);
    shell.env("PATH", process::path_with(workspace.programs().as_os_str())?);
    shell.env("AROUND", &around);
    shell.env_remove("CARGO_TARGET_DIR");
    wasm.announce(&mut shell);
    let mut shell = shell.spawn().context("start a shell")?;
    let ended = wait(&mut shell);
    // What it left in the background, such as a host, ends with it.
    process::end_group(shell.id());
    let removed = fs::remove_dir_all(&around);
    ended.and_then(|()| removed.with_context(|| format!("remove {}", around.display())))
}

fn wait(shell: &mut Child) -> Result<()> {
    let started = Instant::now();
    loop {
        if let Some(status) = shell.try_wait().context("wait for the guides")? {
            if !status.success() {
                bail!("the guides failed: {status}; the last command is above, after a +");
            }
            return Ok(());
        }
        if started.elapsed() > TIME_MAX {
            bail!("the guides take longer than {} s", TIME_MAX.as_secs());
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<(String, usize)> {
        script(&[("It".to_owned(), text.to_owned())])
    }

    #[test]
    fn each_kind_of_block_becomes_what_its_first_line_says() {
        let text = "# It\n```sh\ncargo xtask demo\n```\n```sh run\nzapjobs new hello\n\n\
                    cd hello\n```\n```toml file zapjobs.toml\n[log]\n\nlevel = 1\n```\n\
                    ```sh serve\nzapjobs serve\n```\n```sh fails\nzapjobs runs show 1\n```\n";
        let (script, typed) = of(text).expect("a script");
        let script = script.strip_prefix(PRELUDE).expect("it begins with the functions");
        assert_eq!(
            script,
            "echo '=== It'\nzapjobs new hello\ncd hello\ncat > 'zapjobs.toml' <<'END_OF_FILE'\n\
             [log]\n\nlevel = 1\nEND_OF_FILE\nserve zapjobs serve\nfails zapjobs runs show 1\n\
             end_of_page\nHERE=$PWD\n"
        );
        assert_eq!(typed, 4);
    }

    #[test]
    fn a_page_without_a_block_that_is_run_is_refused() {
        let error = of("## Quick start\n```sh\ncargo xtask demo\n```\n").expect_err("no block");
        assert!(format!("{error:#}").contains("sh run"), "{error:#}");
    }

    #[test]
    fn a_block_that_is_never_closed_is_refused() {
        let error = of("```sh run\nzapjobs serve\n").expect_err("it is open");
        assert!(format!("{error:#}").contains("never closed"), "{error:#}");
    }
}
