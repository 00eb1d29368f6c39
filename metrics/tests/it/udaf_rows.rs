//! Events with everything that makes sums differ: nulls, ties, cancelling amounts, integers near the end of 64 bits.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    UInt32Array,
};
use arrow::compute::take_record_batch;
use datafusion::datasource::MemTable;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{SessionConfig, SessionContext};
use estimand_metrics::udaf;

pub const USERS: u64 = 60_000;

/// A small generator with a known sequence (Steele, Lea & Flood 2014, SplitMix64).
pub struct SplitMix(pub u64);

impl SplitMix {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// The columns of the events, in the order of the rows as they were drawn.
pub struct Events {
    pub users: Vec<i64>,
    pub amounts: Vec<Option<f64>>,
    pub quantities: Vec<i64>,
    pub prices: Vec<i128>,
    pub sessions: Vec<Option<String>>,
    pub times: Vec<i64>,
}

impl Events {
    pub fn draw(rows: usize, seed: u64) -> Self {
        let mut random = SplitMix(seed);
        let mut events = Events {
            users: Vec::new(),
            amounts: Vec::new(),
            quantities: Vec::new(),
            prices: Vec::new(),
            sessions: Vec::new(),
            times: Vec::new(),
        };
        for _ in 0..rows {
            let user = random.below(USERS);
            let cents = random.below(1_000_000) as f64 / 100.0;
            events.users.push(user as i64);
            events.amounts.push(match random.below(40) {
                0 => None,
                1 => Some(1e16),
                2 => Some(-1e16),
                3 => Some(-cents),
                4 => Some(-0.0),
                _ => Some(cents),
            });
            let quantity = random.below(12) as i64;
            events.quantities.push(if user % 1000 == 7 { i64::MAX - quantity } else { quantity });
            events.prices.push(i128::from(random.below(10_000_000)) - 1000);
            // Short and long texts take different ways through a table of bytes.
            let session = random.below(10);
            let long = if session.is_multiple_of(2) { "-with-a-name-that-is-long" } else { "" };
            events.sessions.push((random.below(50) != 0).then(|| format!("{user}-{session}{long}")));
            // Few distinct times, so that first and last have ties to break.
            events.times.push(1_700_000_000_000_000 + random.below(500) as i64);
        }
        events
    }

    pub fn batch(&self) -> RecordBatch {
        let arms = self.users.iter().map(|user| ["A", "B", "C"][*user as usize % 3]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("user_id", Arc::new(Int64Array::from(self.users.clone()))),
            ("arm", Arc::new(StringArray::from_iter_values(arms))),
            ("amount", Arc::new(Float64Array::from(self.amounts.clone()))),
            ("quantity", Arc::new(Int64Array::from(self.quantities.clone()))),
            ("price", Arc::new(Decimal128Array::from(self.prices.clone()).with_precision_and_scale(12, 2).unwrap())),
            ("session", Arc::new(StringArray::from(self.sessions.clone()))),
            ("at", Arc::new(TimestampMicrosecondArray::from(self.times.clone()))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
            .unwrap()
    }
}

/// How a query is run; none of it may change a byte of the answer.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub partitions: usize,
    /// Seed of the order of rows; `None` leaves them as they are.
    pub shuffle: Option<u64>,
    /// Bytes of the memory pool.
    pub memory: Option<usize>,
    /// Whether partial aggregation hands rows on as states from the start.
    pub skip_partial: bool,
}

impl Run {
    pub const PLAIN: Run = Run { partitions: 1, shuffle: None, memory: None, skip_partial: false };

    /// A session that knows the events, their rows dealt out to as many partitions.
    pub fn session(&self, rows: &RecordBatch) -> SessionContext {
        let mut config = SessionConfig::new().with_target_partitions(self.partitions);
        if self.skip_partial {
            let options = &mut config.options_mut().execution;
            options.skip_partial_aggregation_probe_rows_threshold = 1;
            options.skip_partial_aggregation_probe_ratio_threshold = 0.0;
        }
        let mut runtime = RuntimeEnvBuilder::new();
        if let Some(bytes) = self.memory {
            runtime = runtime.with_memory_pool(Arc::new(FairSpillPool::new(bytes)));
        }
        let session = SessionContext::new_with_config_rt(config, runtime.build_arc().unwrap());
        let rows = match self.shuffle {
            Some(seed) => shuffled(rows, seed),
            None => rows.clone(),
        };
        let mut parts = vec![Vec::new(); self.partitions];
        for (position, start) in (0..rows.num_rows()).step_by(8192).enumerate() {
            parts[position % self.partitions].push(rows.slice(start, 8192.min(rows.num_rows() - start)));
        }
        let table = MemTable::try_new(rows.schema(), parts).unwrap();
        session.register_table("events", Arc::new(table)).unwrap();
        udaf::register(&session);
        session
    }

    /// The answer as one batch, and how often the engine spilled to disk.
    pub async fn answer(&self, rows: &RecordBatch, sql: &str) -> (RecordBatch, usize) {
        let session = self.session(rows);
        let plan = session.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        let batches =
            collect(Arc::clone(&plan), session.task_ctx()).await.unwrap_or_else(|error| panic!("{self:?}: {error}"));
        (arrow::compute::concat_batches(&plan.schema(), &batches).unwrap(), spills(plan.as_ref()))
    }
}

fn spills(plan: &dyn ExecutionPlan) -> usize {
    let own = plan.metrics().and_then(|metrics| metrics.spill_count()).unwrap_or(0);
    own + plan.children().into_iter().map(|child| spills(child.as_ref())).sum::<usize>()
}

fn shuffled(rows: &RecordBatch, seed: u64) -> RecordBatch {
    let mut random = SplitMix(seed);
    let mut order: Vec<u32> = (0..rows.num_rows() as u32).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, random.below(last as u64 + 1) as usize);
    }
    take_record_batch(rows, &UInt32Array::from(order)).unwrap()
}
