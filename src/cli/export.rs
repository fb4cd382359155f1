//! `dossier export`.

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Args;
use indicatif::ProgressBar;

use crate::{
    bulk::{
        export::{Export, ExportState, Selection, formats},
        records::{RecordKind, RecordKinds},
    },
    cli::{
        Failure, configured, open_migrated,
        output::{Output, PUBLIC},
        read_on,
    },
    engine::catalog,
    telemetry::output as log_output,
};

#[derive(Args)]
pub struct Arguments {
    /// Output format.
    #[arg(long, value_enum, default_value = "jsonl")]
    pub format: formats::Format,
    /// Begin CSV files with a byte order mark, by which Excel knows that they are UTF-8.
    #[arg(long)]
    pub bom: bool,
    /// Record type to export as CSV: Actor, Statement, …; without it, one CSV file per type.
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// Only records on this topic or its sub-topics, and the records that they refer to.
    #[arg(long, value_name = "SLUG")]
    pub topic: Option<String>,
    /// Only records that refer to this actor, and the records that they refer to.
    #[arg(long, value_name = "SLUG")]
    pub actor: Option<String>,
    /// Only records that are, or may be, of this date or later: 2026, 2026-02 or 2026-02-19.
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// Only records that are, or may be, of this date or earlier.
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    /// Output file, instead of standard output; for CSV without `--type`, a directory.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { format, bom, kind, topic, actor, from, until, output } = arguments;
    let config = configured()?;
    let kinds = RecordKinds::of(&catalog::catalog().object_types);
    let selection = Selection { topic, actor, from, until };
    selection.check_dates().map_err(Failure::of_usage)?;
    if bom && format != formats::Format::Csv {
        return Err(Failure::of_usage("--bom works only with --format csv"));
    }
    let outputs = outputs(&kinds, format, kind.as_deref(), output.as_deref())?;
    let database = open_migrated(&config, false).await?;
    let exported = async {
        let since = Instant::now();
        let mut connection = database.connect_without_timeout().await?;
        let mut export = Export::begin(&mut connection, &kinds, &selection, true, usize::MAX).await?;
        let (mut written, mut texts, mut left_out) = (0, 0, 0);
        let mut finished = Vec::new();
        for (kind, mut output) in outputs {
            if bom {
                read_on(output.write_all("\u{feff}".as_bytes()))?;
            }
            let writer = format.writer(kind, config.base_url.as_deref());
            left_out += export.texts_left_out(writer.as_ref()).await?;
            let state = write(&mut export, writer, &mut output).await?;
            (written, texts) = (written + state.count, texts + state.texts);
            finished.push(output);
        }
        for output in finished {
            output.finish()?;
        }
        let seconds = since.elapsed().as_secs_f64();
        let left_out =
            if left_out > 0 { format!("; {left_out} texts of sources are left out") } else { String::new() };
        let texts = if texts > 0 { format!(" with {texts} texts of sources") } else { String::new() };
        log_output::say(&format!("exported {written} records{texts} in {seconds:.1} s{left_out}"));
        Ok(())
    };
    let exported = exported.await;
    database.close().await;
    exported
}

/// The outputs of an export: one per record type for CSV.
fn outputs(
    kinds: &RecordKinds,
    format: formats::Format,
    kind: Option<&str>,
    output: Option<&Path>,
) -> Result<Vec<(&'static str, Output)>, Failure> {
    let find = |name| match kinds.named(name) {
        Some((_, kind)) => Ok(kind.name),
        None => {
            Err(Failure::of_usage(format!("unknown record type `{name}`; expected one of {}", kinds.names())))
        }
    };
    let kind = kind.map(find).transpose()?;
    match (format, kind, output) {
        (formats::Format::Csv, None, Some(folder)) => {
            std::fs::create_dir_all(folder)
                .map_err(|error| format!("can't create {}: {error}", folder.display()))?;
            let table = |kind: &RecordKind| {
                Ok((kind.name, Output::to(&folder.join(format!("{}.csv", kind.many)), PUBLIC)?))
            };
            kinds.0.iter().map(table).collect()
        }
        (formats::Format::Csv, None, None) => Err(Failure::of_usage(
            "a CSV file holds one record type; set --type, or a directory with --output",
        )),
        (formats::Format::Csv, Some(_), _) | (_, None, _) => {
            let to = output
                .map_or_else(|| Ok(Output::Standard(std::io::stdout())), |path| Output::to(path, PUBLIC))?;
            Ok(vec![(kind.unwrap_or_default(), to)])
        }
        _ => Err(Failure::of_usage(
            "--type works only with --format csv; the other formats hold all record types",
        )),
    }
}

async fn write(
    export: &mut Export<'_>,
    writer: Box<dyn formats::Writer>,
    to: &mut impl Write,
) -> Result<ExportState, Failure> {
    let bar = ProgressBar::new(export.count(writer.as_ref()).await?);
    let (mut state, mut out) = (ExportState::new(writer), Vec::new());
    while export.next(&mut state, &mut out).await? {
        if !read_on(to.write_all(&out))? {
            break;
        }
        out.clear();
        bar.set_position(state.count);
    }
    read_on(to.flush())?;
    bar.finish_and_clear();
    Ok(state)
}
