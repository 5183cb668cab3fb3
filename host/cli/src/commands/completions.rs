//! `zapjobs completions`: a script for a shell.

use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs};
use crate::errors::Done;
use crate::output::Output;

pub(super) fn completions(args: &CompletionsArgs, output: Output) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "zapjobs", &mut script);
    output.line(String::from_utf8_lossy(&script).trim_end());
    Ok(())
}
