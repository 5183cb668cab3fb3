//! `zapjobs man`: manual pages, made from what the command line says of itself.

use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use serde_json::json;

use crate::args::{Cli, ManArgs};
use crate::errors::{Done, Failure};
use crate::output::Output;

pub(super) fn man(args: &ManArgs, output: Output) -> Done {
    let dir = args.dir.as_path();
    let failed = |error| Failure::unavailable(format!("{}: {error}", dir.display()));
    std::fs::create_dir_all(dir).map_err(failed)?;
    let mut pages = Vec::new();
    for command in commands() {
        pages.push(write(command, dir).map_err(failed)?);
    }
    if output.json {
        output.document(&json!({ "pages": pages }));
        return Ok(());
    }
    output.line(format_args!("{} pages in {}", pages.len(), dir.display()));
    output.note(format_args!("`man -l {}` shows the first", dir.join("zapjobs.1").display()));
    Ok(())
}

/// Every command that people call, those above others first.
fn commands() -> Vec<Command> {
    let mut root = Cli::command();
    // Gives each its whole name and what all take.
    root.build();
    let mut commands = vec![root];
    let mut at = 0;
    while at < commands.len() {
        let below: Vec<Command> =
            commands[at].get_subcommands().filter(|it| !it.is_hide_set()).cloned().collect();
        commands.extend(below);
        at += 1;
    }
    commands
}

fn write(command: Command, dir: &Path) -> std::io::Result<PathBuf> {
    let source = concat!("zapjobs ", env!("CARGO_PKG_VERSION"));
    Man::new(command).source(source).manual("ZapJobs").generate_to(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of commands as they are typed, with hyphens between them.
    fn names(command: &Command, above: &str) -> Vec<String> {
        let own = match above {
            "" => command.get_name().to_owned(),
            above => format!("{above}-{}", command.get_name()),
        };
        let below = command.get_subcommands().filter(|it| !it.is_hide_set());
        let below: Vec<String> = below.flat_map(|it| names(it, &own)).collect();
        [vec![own], below].concat()
    }

    #[test]
    fn every_command_has_a_page_that_says_what_it_takes() {
        let folder = tempfile::tempdir().expect("a folder");
        for command in commands() {
            write(command, folder.path()).expect("written");
        }
        let names = names(&Cli::command(), "");
        assert!(names.iter().any(|name| name == "zapjobs-runs-list"), "{names:?}");
        for name in &names {
            let page = folder.path().join(format!("{name}.1"));
            let text = std::fs::read_to_string(&page).unwrap_or_else(|_| panic!("no {name}"));
            let title = text.lines().find(|line| line.starts_with(".TH")).expect("a title");
            assert!(title.contains(&format!("{name} 1")), "{title}");
            for section in [".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS"] {
                assert!(text.contains(section), "{name} has no {section}");
            }
            // Pages are typeset by `roff`: a line that begins with a dot is a request.
            let requests = text.lines().filter(|line| line.starts_with('.'));
            let known = [
                ".TH", ".SH", ".SS", ".TP", ".IP", ".RS", ".RE", ".PP", ".br", ".ie", ".el", ".Sp",
            ];
            for request in requests {
                let is_known = known.iter().any(|it| request.starts_with(it));
                assert!(is_known, "{name}: {request}");
            }
        }
        let pages = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(pages, names.len(), "one page for each");
    }
}
