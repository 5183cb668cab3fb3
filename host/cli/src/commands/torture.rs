//! `zapjobs torture`: hostile components against this installation.

use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use zapjobs_torture::{Attack, Suite, Verdict, all};

use super::App;
use super::signals::Signals;
use crate::args::TortureArgs;
use crate::errors::{Code, Done, Failure};
use crate::output::{Output, Tone, table};
use crate::sandbox;

pub(super) async fn torture(args: TortureArgs, app: App) -> Done {
    let only = args.only.unwrap_or_default();
    let mut attacks = all();
    attacks.retain(|attack| attack.name().contains(&only));
    if attacks.is_empty() {
        let message = format!("no attack has {only:?} in its name: see zapjobs torture --list");
        return Err(Failure::usage(message));
    }
    if args.list {
        list(app.output, &attacks);
        return Ok(());
    }
    let verdicts = verdicts(&app, &attacks).await?;
    show(app.output, &verdicts);
    let loose: Vec<&str> =
        verdicts.iter().filter(|it| !it.held).map(|it| it.attack.as_str()).collect();
    if !loose.is_empty() {
        let message =
            format!("{} of {} attacks not held: {}", loose.len(), verdicts.len(), loose.join(", "));
        return Err(Failure::new(Code::Failed, message));
    }
    app.output.note(format_args!("all {} attacks held", verdicts.len()));
    Ok(())
}

async fn verdicts(app: &App, attacks: &[Arc<Attack>]) -> Done<Vec<Verdict>> {
    let mut signals = Signals::listen()?;
    let sandbox = sandbox::for_torture(&app.config)?;
    let suite = Suite::new(sandbox, app.config.host.limits).await;
    let mut suite = suite.map_err(|error| Failure::unavailable(error.to_string()))?;
    let bar = bar(app.output, attacks.len());
    let mut verdicts = Vec::with_capacity(attacks.len());
    for attack in attacks {
        bar.set_message(attack.name().to_owned());
        tokio::select! {
            verdict = suite.run(attack) => verdicts.push(verdict),
            () = signals.next() => {
                bar.finish_and_clear();
                return Err(Failure::new(Code::Interrupted, "interrupted"));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(verdicts)
}

/// How far it is, on stderr where that is a terminal.
fn bar(output: Output, attacks: usize) -> ProgressBar {
    let target =
        if output.json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(attacks as u64), target);
    let style = ProgressStyle::with_template("{spinner} {elapsed} [{bar:30}] {pos}/{len} {msg}")
        .expect("the template is a constant, and is tested");
    bar.set_style(style.progress_chars("=> "));
    bar
}

fn list(output: Output, attacks: &[Arc<Attack>]) {
    if output.json {
        let documents = attacks
            .iter()
            .map(|it| json!({ "attack": it.name(), "tries": it.tries(), "limit": it.limit() }));
        output.document(&documents.collect::<Vec<_>>());
        return;
    }
    let rows = attacks.iter().map(|it| {
        vec![
            (it.name().to_owned(), Some(Tone::Strong)),
            (it.tries().to_owned(), None),
            (it.limit().to_owned(), Some(Tone::Quiet)),
        ]
    });
    output.line(table(output.in_color(), &["ATTACK", "TRIES", "LIMIT"], rows));
}

fn show(output: Output, verdicts: &[Verdict]) {
    if output.json {
        output.document(&verdicts);
        return;
    }
    output.line(table(
        output.in_color(),
        &["ATTACK", "LIMIT", "TIME", ""],
        verdicts.iter().map(row),
    ));
}

fn row(verdict: &Verdict) -> Vec<(String, Option<Tone>)> {
    let (word, tone) = match &verdict.note {
        None => ("held".to_owned(), Tone::Good),
        Some(note) => (format!("NOT HELD: {note}"), Tone::Bad),
    };
    vec![
        (verdict.attack.clone(), Some(Tone::Strong)),
        (verdict.limit.clone(), None),
        (format!("{} ms", verdict.ms), Some(Tone::Quiet)),
        (word, Some(tone)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Color;

    #[test]
    fn what_did_not_hold_says_why() {
        let verdict = Verdict {
            attack: "memory-bomb".to_owned(),
            held: false,
            limit: "memory_bytes_max".to_owned(),
            ms: 12,
            note: Some("it ended as Completed(null)".to_owned()),
        };
        let cells: Vec<String> = row(&verdict).into_iter().map(|(text, _)| text).collect();
        assert_eq!(
            cells,
            ["memory-bomb", "memory_bytes_max", "12 ms", "NOT HELD: it ended as Completed(null)"]
        );
        bar(Output::new(true, Color::Never), 1).finish_and_clear();
    }
}
