//! How fast import and export are: `cargo bench --bench bulk`. A base of `STATEMENTS` statements (default: a million) is
//! generated and exported; the export is imported into an empty base, with its history, and psql's `\copy` loads the
//! same rows into the same tables with the same indexes, without history and with it. It needs `psql`, and about 20 GB
//! in `target`.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    str::FromStr,
    sync::LazyLock,
    time::{Duration, Instant},
};

use dossier::{
    bulk::records::RecordKinds,
    config::Config,
    database::{
        Database,
        embedded::{Durability, Postgres},
    },
    engine::catalog::catalog,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, postgres::PgConnectOptions};

const GOAL_OF_COPY: f64 = 0.5;
const GOAL_MEMORY: u64 = 200;

/// Each table after those that it refers to.
static TABLES: LazyLock<Vec<&str>> = LazyLock::new(|| RecordKinds::of(&catalog().object_types).tables());

struct Bench {
    address: String,
    folder: PathBuf,
}

impl Bench {
    fn url(&self, database: &str) -> String {
        self.address.replace("{}", database)
    }

    async fn connect(&self, database: &str) -> PgConnection {
        let options = PgConnectOptions::from_str(&self.url(database)).expect("an address");
        PgConnection::connect_with(&options).await.expect("a connection")
    }

    async fn execute(&self, database: &str, sql: String) {
        let mut connection = self.connect(database).await;
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("done");
        let _ = connection.close().await;
    }

    /// A migrated base without records.
    async fn empty(&self, name: &str) {
        self.execute("postgres", format!("drop database if exists {name} with (force)")).await;
        self.execute("postgres", format!("create database {name}")).await;
        let url = self.url(name);
        let config = Config::from_lookup(|setting| (setting == "DATABASE_URL").then(|| url.clone()));
        let database = Database::open(&config.expect("settings")).await.expect("the base");
        database.migrate().await.expect("migrated");
        database.close().await;
        let mut delete = "select set_config('dossier.requester', 'bench', true)".to_owned();
        for table in TABLES.iter().rev() {
            let _ = write!(delete, "; delete from {table}");
        }
        self.execute(name, delete).await;
        self.execute(name, "vacuum full".to_owned()).await;
    }

    fn dossier(&self, database: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dossier"));
        command.args(arguments).env("DATABASE_URL", self.url(database)).current_dir(&self.folder);
        command
    }

    fn psql(&self, database: &str, script: &Path) -> Duration {
        let since = Instant::now();
        let status = Command::new("psql")
            .args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--file"])
            .arg(script)
            .arg(self.url(database))
            .stdout(Stdio::null())
            .status()
            .expect("psql runs");
        assert!(status.success(), "psql failed");
        since.elapsed()
    }

    /// Loads the rows into an empty base with `\copy`.
    async fn copy(&self, database: &str, columns: &[String], history: bool) -> Duration {
        self.empty(database).await;
        let mut script = "set dossier.requester = 'bench'; set statement_timeout = 0; begin;\n".to_owned();
        for (table, columns) in TABLES.iter().zip(columns) {
            if !history {
                self.execute(database, format!("alter table {table} disable trigger {table}_entered")).await;
            }
            let _ =
                writeln!(script, "\\copy {table} ({columns}) from '{}'", self.folder.join(table).display());
        }
        let file = self.folder.join("in.sql");
        fs::write(&file, script + "commit;\n").expect("written");
        let took = self.psql(database, &file);
        self.execute("postgres", format!("drop database {database} with (force)")).await;
        took
    }
}

/// Waits for a process, and returns its peak memory in MiB.
fn peak(mut child: Child) -> u64 {
    let mut peak = 0;
    loop {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or(0));
        if let Some(status) = child.try_wait().expect("a child process") {
            assert!(status.success(), "dossier failed");
            return peak / 1024;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[allow(clippy::cast_precision_loss)]
fn rate(rows: i64, took: Duration) -> f64 {
    rows as f64 / took.as_secs_f64()
}

#[tokio::main]
async fn main() {
    let statements = std::env::var("STATEMENTS").unwrap_or_else(|_| "1000000".to_owned());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bulk");
    fs::create_dir_all(&folder).expect("a folder");
    let root = std::env::temp_dir().join(format!("dossier-bench-bulk-{}", std::process::id()));
    let postgres = Postgres::start(&root, None, Durability::Durable).expect("a Postgres");
    let socket = postgres.socket_folder().display().to_string().replace('/', "%2F");
    let address = format!("postgres://postgres@localhost:5432/{{}}?host={socket}");
    let bench = Bench { address, folder };

    bench.empty("made").await;
    let made = bench.dossier("made", &["generate", "--statements", &statements]).status();
    assert!(made.expect("dossier runs").success());
    let mut connection = bench.connect("made").await;
    let (mut columns, mut rows, mut script) = (Vec::new(), 0, String::new());
    for table in TABLES.iter() {
        let sql = "select string_agg(attname, ', ' order by attnum) from pg_attribute
                   where attrelid = $1::regclass and attnum > 0 and attgenerated = '' and not attisdropped";
        let names: String =
            sqlx::query_scalar(sql).bind(table).fetch_one(&mut connection).await.expect("its columns");
        let count = sqlx::query(AssertSqlSafe(format!("select count(*) from {table}")));
        rows += count.fetch_one(&mut connection).await.expect("a count").get::<i64, _>(0);
        let file = bench.folder.join(table);
        let _ =
            writeln!(script, "\\copy (select {names} from {table} order by 1, 2) to '{}'", file.display());
        columns.push(names);
    }
    let _ = connection.close().await;
    let file = bench.folder.join("out.sql");
    fs::write(&file, script).expect("written");
    bench.psql("made", &file);

    let since = Instant::now();
    let memory =
        peak(bench.dossier("made", &["export", "-o", "export.jsonl"]).spawn().expect("dossier runs"));
    let out = since.elapsed();
    println!("{statements} statements, {rows} rows in all");
    println!("export: {:.0} rows/s, {:.1} s, {memory} MiB at most", rate(rows, out), out.as_secs_f64());
    bench.execute("postgres", "drop database made with (force)".to_owned()).await;

    bench.empty("imported").await;
    let since = Instant::now();
    let memory = peak(bench.dossier("imported", &["import", "export.jsonl"]).spawn().expect("dossier runs"));
    let import = since.elapsed();
    println!(
        "import, with history: {:.0} rows/s, {:.1} s, {memory} MiB at most",
        rate(rows, import),
        import.as_secs_f64()
    );
    bench.execute("postgres", "drop database imported with (force)".to_owned()).await;

    let plain = bench.copy("copied", &columns, false).await;
    println!("\\copy, without history: {:.0} rows/s, {:.1} s", rate(rows, plain), plain.as_secs_f64());
    let with_history = bench.copy("copied_with_history", &columns, true).await;
    println!(
        "\\copy, with history: {:.0} rows/s, {:.1} s",
        rate(rows, with_history),
        with_history.as_secs_f64()
    );

    let share = plain.as_secs_f64() / import.as_secs_f64();
    let verdict = |met: bool| if met { "met" } else { "missed" };
    println!(
        "import against \\copy without history: {share:.2} (goal {GOAL_OF_COPY}: {})",
        verdict(share >= GOAL_OF_COPY)
    );
    println!("import against \\copy with history: {:.2}", with_history.as_secs_f64() / import.as_secs_f64());
    println!("memory: {memory} MiB (goal {GOAL_MEMORY}: {})", verdict(memory < GOAL_MEMORY));
    postgres.stop();
    let _ = fs::remove_dir_all(root);
    let _ = fs::remove_dir_all(bench.folder);
}
