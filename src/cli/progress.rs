//! Progress bars.

use std::{fmt::Write, sync::Mutex, time::Duration};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::{
    progress::{Progress, Step},
    sync::lock,
    telemetry::output,
};

/// One bar at a time, for the step that runs.
pub struct Bars(Mutex<ProgressBar>);

impl Default for Bars {
    fn default() -> Self {
        Bars(Mutex::new(ProgressBar::hidden()))
    }
}

impl Bars {
    fn bar(&self) -> ProgressBar {
        lock(&self.0).clone()
    }
}

impl Progress for Bars {
    fn begin(&self, step: Step, total: Option<u64>) {
        let bar = total
            .map_or_else(ProgressBar::no_length, ProgressBar::new)
            .with_style(style(template(step, total)));
        if step == Step::Checking {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        *lock(&self.0) = bar;
    }

    fn advance(&self, units: u64) {
        self.bar().inc(units);
    }

    fn part(&self, name: &str) {
        self.bar().set_message(name.to_owned());
    }

    fn note(&self, line: &str) {
        self.bar().suspend(|| output::say(line));
    }

    fn end(&self) {
        self.bar().finish_and_clear();
    }
}

fn template(step: Step, total: Option<u64>) -> &'static str {
    match (step, total) {
        (Step::Reading, Some(_)) => {
            "reading {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left"
        }
        (Step::Reading, None) => "reading {spinner} {bytes}, {bytes_per_sec}, {elapsed}",
        (Step::Checking, _) => "{spinner} validating",
        (Step::Writing, _) => "{msg:12} {wide_bar} {human_pos} of {human_len} records, {rate}, {eta} left",
        (Step::BackingUp, _) => "{msg:24} {wide_bar} {human_pos} of about {human_len} rows, {elapsed}",
        (Step::Generating, _) => "{msg:20} {wide_bar} {human_pos} of about {human_len} rows, {elapsed}",
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
        let _ = write!(out, "{:.0}/s", state.per_sec());
    })
}
