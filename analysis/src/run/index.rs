//! The index of runs: one SQLite table that finds them. The folders are the record; it can be made anew from them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Row as _};

use super::hashes::hash;
use super::{Error, Inputs, Log, RunId, Summary};

/// Schema changes in order; the version of a store is how many it has seen.
const MIGRATIONS: &[&str] = &[include_str!("migration/0001_runs.sql")];

/// A line of the list of runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunRow {
    /// The order in which it was recorded.
    pub sequence: i64,
    /// Its id.
    pub id: RunId,
    /// The experiment; empty for a bare file.
    pub experiment: String,
    /// The name for people.
    pub title: String,
    /// What the verdict rests on: `decided`, `running`, `check_data` or `nothing`.
    pub kind: String,
    /// The verdict.
    pub verdict: String,
    /// The instant up to which data count.
    pub as_of: Option<String>,
    /// The build that made it.
    pub build: String,
    /// When it began, by the clock of that moment.
    pub started: Option<String>,
}

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of this experiment.
    pub experiment: Option<String>,
    /// At most this many, the latest first.
    pub limit: Option<u32>,
}

#[derive(Debug, Clone)]
pub(super) struct Index {
    pool: SqlitePool,
    path: PathBuf,
}

impl Index {
    /// Opens the index, makes it when there is none, and brings an older one up to date.
    pub(super) async fn open(path: &Path) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A run that was reported as recorded is still there after a loss of power.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(30));
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await;
        let pool = pool.map_err(|source| Error::Index { path: path.to_owned(), source })?;
        let index = Self { pool, path: path.to_owned() };
        index.migrate(MIGRATIONS).await?;
        Ok(index)
    }

    async fn migrate(&self, migrations: &'static [&'static str]) -> Result<(), Error> {
        let known = migrations.len() as i64;
        let found = self.version().await?;
        if found > known {
            return Err(Error::NewerStore { path: self.path.clone(), found, known });
        }
        if found == known {
            return Ok(());
        }
        if found > 0 {
            let backup = self.path.with_extension(format!("version-{found}.sqlite"));
            if !backup.exists() {
                let copied = sqlx::query("VACUUM INTO ?").bind(backup.display().to_string()).execute(&self.pool).await;
                copied.map_err(self.failed())?;
            }
        }
        // One transaction that takes the write lock at once: a second process waits, then finds the work done.
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed())?;
        let version = sqlx::query_scalar::<_, i64>("PRAGMA user_version").fetch_one(&mut *transaction).await;
        let version = version.map_err(self.failed())?;
        for statement in migrations.iter().skip(usize::try_from(version).unwrap_or_default()) {
            sqlx::raw_sql(*statement).execute(&mut *transaction).await.map_err(self.failed())?;
        }
        // The version is a number of ours: a pragma takes no bound values.
        let stamp = AssertSqlSafe(format!("PRAGMA user_version = {known}"));
        sqlx::query(stamp).execute(&mut *transaction).await.map_err(self.failed())?;
        transaction.commit().await.map_err(self.failed())
    }

    async fn version(&self) -> Result<i64, Error> {
        sqlx::query_scalar("PRAGMA user_version").fetch_one(&self.pool).await.map_err(self.failed())
    }

    /// Enters a run, once.
    pub(super) async fn insert(
        &self,
        id: &RunId,
        record: &[u8],
        inputs: &Inputs,
        summary: &Summary,
        log: Option<&Log>,
    ) -> Result<(), Error> {
        let statement = "INSERT INTO runs (id, record, experiment, title, kind, verdict, as_of, build, started) \
                         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";
        let entered = sqlx::query(statement)
            .bind(id.as_str())
            .bind(hash(record))
            .bind(&inputs.experiment)
            .bind(&summary.title)
            .bind(kind(summary))
            .bind(&summary.verdict.sentence)
            .bind(&inputs.as_of)
            .bind(&inputs.build)
            .bind(log.and_then(|log| log.started.as_deref()))
            .execute(&self.pool)
            .await;
        entered.map(drop).map_err(self.failed())
    }

    /// The runs, the latest first.
    pub(super) async fn list(&self, filter: &Filter) -> Result<Vec<RunRow>, Error> {
        // Two statements, since an index on a column cannot serve a condition that may also not be asked.
        let statement = match filter.experiment {
            Some(_) => {
                "SELECT sequence, id, experiment, title, kind, verdict, as_of, build, started FROM runs \
                 WHERE experiment = ?1 ORDER BY sequence DESC LIMIT ?2"
            }
            None => {
                "SELECT sequence, id, experiment, title, kind, verdict, as_of, build, started FROM runs \
                 WHERE ?1 IS NULL ORDER BY sequence DESC LIMIT ?2"
            }
        };
        let rows = sqlx::query(statement)
            .bind(filter.experiment.as_deref())
            // Below zero means without limit.
            .bind(filter.limit.map_or(-1, i64::from))
            .fetch_all(&self.pool)
            .await
            .map_err(self.failed())?;
        rows.iter().map(|row| self.row(row)).collect()
    }

    /// Ids that begin like this with the hashes of their records, at most `limit` of them.
    pub(super) async fn find(&self, prefix: &str, limit: u32) -> Result<Vec<(RunId, String)>, Error> {
        let statement =
            "SELECT id, record FROM runs WHERE substr(id, 1, length(?1)) = ?1 ORDER BY sequence DESC LIMIT ?2";
        let rows =
            sqlx::query(statement).bind(prefix).bind(limit).fetch_all(&self.pool).await.map_err(self.failed())?;
        rows.iter().map(|row| Ok((self.id(row)?, row.try_get("record").map_err(self.failed())?))).collect()
    }

    /// Every id with the hash of its record.
    pub(super) async fn all(&self) -> Result<BTreeMap<RunId, String>, Error> {
        let rows = sqlx::query("SELECT id, record FROM runs").fetch_all(&self.pool).await.map_err(self.failed())?;
        rows.iter().map(|row| Ok((self.id(row)?, row.try_get("record").map_err(self.failed())?))).collect()
    }

    fn row(&self, row: &SqliteRow) -> Result<RunRow, Error> {
        let text = |name: &str| row.try_get(name).map_err(self.failed());
        let maybe = |name: &str| row.try_get(name).map_err(self.failed());
        Ok(RunRow {
            sequence: row.try_get("sequence").map_err(self.failed())?,
            id: self.id(row)?,
            experiment: text("experiment")?,
            title: text("title")?,
            kind: text("kind")?,
            verdict: text("verdict")?,
            as_of: maybe("as_of")?,
            build: text("build")?,
            started: maybe("started")?,
        })
    }

    fn id(&self, row: &SqliteRow) -> Result<RunId, Error> {
        let text: String = row.try_get("id").map_err(self.failed())?;
        text.parse().map_err(|error| self.failed()(sqlx::Error::Decode(Box::new(error))))
    }

    fn failed(&self) -> impl Fn(sqlx::Error) -> Error {
        let path = self.path.clone();
        move |source| Error::Index { path: path.clone(), source }
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// The word that the verdict's kind has in JSON.
fn kind(summary: &Summary) -> String {
    match serde_json::to_value(summary.verdict.kind) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLDER: &[&str] = &["CREATE TABLE runs (id TEXT) STRICT; INSERT INTO runs VALUES ('a')"];
    const NEWER: &[&str] = &[
        "CREATE TABLE runs (id TEXT) STRICT; INSERT INTO runs VALUES ('a')",
        "ALTER TABLE runs ADD COLUMN title TEXT; INSERT INTO runs VALUES ('b', 'B')",
    ];
    const BROKEN: &[&str] = &[
        "CREATE TABLE runs (id TEXT) STRICT",
        "ALTER TABLE runs ADD COLUMN title TEXT; ALTER TABLE nothing ADD COLUMN x TEXT",
    ];

    async fn empty(folder: &Path) -> Index {
        let path = folder.join("index.sqlite");
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        Index { pool: SqlitePool::connect_with(options).await.unwrap(), path }
    }

    async fn count(index: &Index) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM runs").fetch_one(&index.pool).await.unwrap()
    }

    #[tokio::test]
    async fn an_older_index_is_brought_up_to_date_beside_a_backup() {
        let folder = tempfile::tempdir().unwrap();
        let index = empty(folder.path()).await;
        index.migrate(OLDER).await.unwrap();
        index.migrate(NEWER).await.unwrap();
        index.migrate(NEWER).await.unwrap();
        assert_eq!((index.version().await.unwrap(), count(&index).await), (2, 2));
        assert!(folder.path().join("index.version-1.sqlite").exists());
    }

    #[tokio::test]
    async fn a_migration_that_fails_leaves_the_index_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let index = empty(folder.path()).await;
        index.migrate(OLDER).await.unwrap();
        assert!(matches!(index.migrate(BROKEN).await, Err(Error::Index { .. })));
        assert_eq!((index.version().await.unwrap(), count(&index).await), (1, 1));
        assert!(sqlx::query("SELECT title FROM runs").fetch_all(&index.pool).await.is_err());
    }

    #[tokio::test]
    async fn an_index_of_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let index = empty(folder.path()).await;
        index.migrate(NEWER).await.unwrap();
        let refusal = index.migrate(OLDER).await.unwrap_err().to_string();
        assert!(refusal.ends_with("has schema version 2; this program knows versions up to 1"), "{refusal}");
    }
}
