//! `zapjobs status`: how the installation stands, once or live.
//!
//! **Invariant:** what is shown is a pure function of a snapshot and a size ([`view()`]);
//! `screen` alone touches the terminal.
//!
//! In reading order: `snapshot` is what is looked at, `rates` what two looks tell, `layout` and
//! `view` make lines of it, `watch` does it again and again on a `screen`.

mod layout;
mod rates;
mod screen;
mod snapshot;
mod view;
mod watch;

use super::App;
use crate::args::StatusArgs;
use crate::errors::Done;
use layout::Size;
use snapshot::look;
use view::view;

pub(super) async fn status(args: StatusArgs, app: App) -> Done {
    let site = app.site().await?;
    if args.watch {
        watch::watch(&*site, &app).await?;
        return site.close().await;
    }
    let snapshot = look(&*site).await?;
    site.close().await?;
    if app.output.json {
        app.output.document(&snapshot);
        return Ok(());
    }
    let columns = if app.output.on_terminal() { screen::size().columns } else { usize::MAX };
    for line in view(&snapshot, None, Size { columns, rows: usize::MAX }) {
        app.output.line(line.text(app.output.in_color()));
    }
    Ok(())
}
