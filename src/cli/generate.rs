//! `dossier generate`.

use std::time::Instant;

use clap::Args;
use sqlx::Connection;

use crate::{
    bulk::generate::{self, Size},
    cli::{Failure, configured, open_migrated, print, progress::Bars},
};

#[derive(Args)]
pub struct Arguments {
    /// Number of statements; other records are generated in proportion.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub statements: u64,
    /// Number of divisions. Default: one for 1,000 statements.
    #[arg(long, value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    pub divisions: Option<u64>,
    /// Number of votes in each division, at most that of people: 12 for 500 statements.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(..=100_000))]
    pub voters: u64,
    /// Number of texts of sources; with texts, records cite only passages of these.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=100_000))]
    pub texts: u64,
    /// Characters of each text, about.
    #[arg(long, default_value_t = 6_000, value_parser = clap::value_parser!(u32).range(1..=4_000_000))]
    pub text_length: u32,
    /// Seed of the random generator: the same seed generates the same records.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let size = Size {
        statements: arguments.statements,
        divisions: arguments.divisions.unwrap_or(arguments.statements.div_ceil(1000)),
        voters: arguments.voters,
        texts: arguments.texts,
        text_length: usize::try_from(arguments.text_length).unwrap_or(usize::MAX),
        seed: arguments.seed,
    };
    let database = open_migrated(&configured()?, true).await?;
    let generated = async {
        let since = Instant::now();
        let mut connection = database.connect_without_timeout().await?;
        let mut change = connection.begin().await?;
        let requester = sqlx::query("select set_config('dossier.requester', 'generate', true)");
        requester.execute(&mut *change).await?;
        let rows = generate::generate(&mut change, size, &Bars::default()).await?;
        change.commit().await?;
        sqlx::raw_sql("analyze").execute(&mut connection).await?;
        print(&format!(
            "{rows} rows (including {} statements) in {:.1} s\n",
            size.statements,
            since.elapsed().as_secs_f64()
        ))
    };
    let generated = generated.await;
    database.close().await;
    generated
}
