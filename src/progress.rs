//! Progress of long tasks. Only the command line draws it.

/// What a task is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Reads files; progress is in bytes.
    Reading,
    Checking,
    /// Writes records; progress is in records.
    Writing,
    /// Backs up rows; progress is in rows, and the total is an estimate.
    BackingUp,
    /// Generates rows; progress is in rows, and the total is an estimate.
    Generating,
}

/// Receives the progress of a task.
pub trait Progress: Send + Sync {
    /// Begins a step, of so many units where that is known.
    fn begin(&self, step: Step, total: Option<u64>);
    fn advance(&self, units: u64);
    /// Which part of the step runs.
    fn part(&self, name: &str);
    /// Logs a line beside what is drawn.
    fn note(&self, line: &str);
    /// Ends the step.
    fn end(&self);
}
